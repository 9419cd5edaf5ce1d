; PHP. A namespace that is a block is an ancestor; one for the rest of the file is not.

(namespace_definition name: (_) @path body: (_)) @namespace
(class_declaration name: (_) @name) @type
(interface_declaration name: (_) @name) @type
(trait_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @type
(function_definition name: (_) @name) @function
(method_declaration name: (_) @name) @function
(property_declaration (property_element name: (variable_name (name) @name))) @data
(const_declaration (const_element . (name) @name)) @data
(expression_statement
  (assignment_expression
    left: (variable_name (name) @name)
    right: [(anonymous_function) (arrow_function)])) @function

(comment) @above
