; C#. A namespace that is a block is an ancestor; one for the whole file is not.

(namespace_declaration name: (_) @path) @namespace
(class_declaration name: (_) @name) @type
(struct_declaration name: (_) @name) @type
(interface_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @type
(record_declaration name: (_) @name) @type
(delegate_declaration name: (_) @name) @type
(method_declaration name: (_) @name) @function
(constructor_declaration name: (_) @name) @function
(destructor_declaration name: (_) @name) @function
(local_function_statement name: (_) @name) @function
(operator_declaration operator: _ @name) @function
(conversion_operator_declaration type: (_) @name) @function
(indexer_declaration "this" @name) @function
(property_declaration name: (_) @name) @function
(event_declaration name: (_) @name) @function
(event_field_declaration (variable_declaration (variable_declarator name: (_) @name))) @data
(field_declaration (variable_declaration (variable_declarator name: (_) @name))) @data
(field_declaration
  (variable_declaration (variable_declarator name: (_) @name (lambda_expression)))) @function
(local_declaration_statement
  (variable_declaration (variable_declarator name: (_) @name (lambda_expression)))) @function

(comment) @above
