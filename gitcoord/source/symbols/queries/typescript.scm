; What TypeScript adds.

(public_field_definition name: (_) @name) @data
(public_field_definition name: (_) @name value: [(arrow_function) (function_expression)]) @function
(method_signature name: (_) @name) @function
(abstract_method_signature name: (_) @name) @function
(function_signature name: (_) @name) @function
(abstract_class_declaration name: (_) @name) @type
(interface_declaration name: (_) @name) @type
(type_alias_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @type
(module name: (_) @path) @namespace
(internal_module name: (_) @path) @namespace
(property_signature name: (_) @name type: (type_annotation (function_type))) @function

(export_statement declaration: (abstract_class_declaration name: (_) @name)) @type
(export_statement declaration: (interface_declaration name: (_) @name)) @type
(export_statement declaration: (type_alias_declaration name: (_) @name)) @type
(export_statement declaration: (enum_declaration name: (_) @name)) @type
(export_statement declaration: (function_signature name: (_) @name)) @function
(export_statement declaration: (internal_module name: (_) @path)) @namespace

(ambient_declaration (class_declaration name: (_) @name)) @type
(ambient_declaration (function_signature name: (_) @name)) @function
(export_statement declaration: (ambient_declaration (class_declaration name: (_) @name))) @type
(export_statement declaration: (ambient_declaration (function_signature name: (_) @name))) @function

(lexical_declaration
  (variable_declarator name: (identifier) @name value: [(as_expression (object)) (satisfies_expression (object))])) @data
(export_statement
  declaration: (lexical_declaration
    (variable_declarator
      name: (identifier) @name
      value: [(as_expression (object)) (satisfies_expression (object))]))) @data
