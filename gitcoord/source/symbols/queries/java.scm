; Java. The package is the file's own and no ancestor.

(class_declaration name: (_) @name) @type
(interface_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @type
(record_declaration name: (_) @name) @type
(annotation_type_declaration name: (_) @name) @type
(enum_constant name: (_) @name body: (_)) @data
(method_declaration name: (_) @name) @function
(constructor_declaration name: (_) @name) @function
(compact_constructor_declaration name: (_) @name) @function
(annotation_type_element_declaration name: (_) @name) @function
(field_declaration declarator: (variable_declarator name: (_) @name)) @data
(constant_declaration declarator: (variable_declarator name: (_) @name)) @data
(field_declaration declarator: (variable_declarator name: (_) @name value: (lambda_expression))) @function
(local_variable_declaration declarator: (variable_declarator name: (_) @name value: (lambda_expression))) @function

(line_comment) @above
(block_comment) @above
