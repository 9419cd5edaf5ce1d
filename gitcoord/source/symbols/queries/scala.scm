; Scala. A package with a body is an ancestor; one for the whole file is not.

(package_clause name: (_) @path body: (_)) @namespace
(package_object name: (_) @name) @namespace
(class_definition name: (_) @name) @type
(object_definition name: (_) @name) @type
(trait_definition name: (_) @name) @type
(enum_definition name: (_) @name) @type
(given_definition name: (_) @name) @type
(type_definition name: (_) @name) @data
(function_definition name: (_) @name) @function
(function_declaration name: (_) @name) @function
(val_definition pattern: (identifier) @name) @data
(var_definition pattern: (identifier) @name) @data
(val_declaration name: (identifier) @name) @data
(var_declaration name: (identifier) @name) @data
(val_definition pattern: (identifier) @name value: (lambda_expression)) @function

(comment) @above
(block_comment) @above
