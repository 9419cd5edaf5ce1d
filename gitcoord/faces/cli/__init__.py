"""The command line: `gitcoord <noun> <verb>`. Renders what the services return and decides nothing.

    app       `main`
    parser    the list of nouns
    boundary  the one place that turns what happened into an exit status and an error message
    terminal  what all commands share; `calls` opens the workspace, calls a service and shows the result, and `show` is
              the one place that writes: tables, lines, JSON, without anything a terminal acts on
    screens   results as text

Start-up matters, because agents call this often: a noun's module is imported when it is asked for, and a module
imports what it needs when a command runs.
"""
