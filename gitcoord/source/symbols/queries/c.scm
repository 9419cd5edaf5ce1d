; C, and what C++ shares with it.

(function_definition declarator: (_) @declarator) @function
(declaration declarator: (_) @declarator) @data
(type_definition declarator: (_) @declarator) @data
(field_declaration declarator: (_) @declarator) @data
(struct_specifier name: (_) @path body: (_)) @type
(union_specifier name: (_) @path body: (_)) @type
(enum_specifier name: (_) @path body: (_)) @type
(preproc_function_def name: (identifier) @name) @function

(comment) @above
