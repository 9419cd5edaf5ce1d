; Bash. Functions are all that it declares.

(function_definition name: (_) @name) @function

(comment) @above
