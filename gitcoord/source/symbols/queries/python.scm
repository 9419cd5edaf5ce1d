; Python. Functions and classes anywhere, attributes of classes, and names that are bound to a lambda.

(function_definition name: (identifier) @name) @function
(class_definition name: (identifier) @name) @type
(decorated_definition definition: (function_definition name: (identifier) @name)) @function
(decorated_definition definition: (class_definition name: (identifier) @name)) @type
(type_alias_statement left: (type) @path) @data

(expression_statement (assignment left: (identifier) @name right: (lambda))) @function

(class_definition
  body: (block (expression_statement (assignment left: (identifier) @name)) @data))

(comment) @above
