; Kotlin. An extension has the type that it extends as ancestor; members of a companion belong to its class.

(class_declaration name: (_) @name) @type
(object_declaration name: (_) @name) @type
(type_alias type: (identifier) @name) @data
(enum_entry (identifier) @name (class_body)) @data
(function_declaration . (modifiers)? . (type_parameters)? . name: (_) @name) @function
(function_declaration name: (_) @name) @function
(function_declaration (user_type) @parent . name: (_) @name) @function
(secondary_constructor "constructor" @name) @function
(property_declaration (variable_declaration . (identifier) @name)) @data
(property_declaration (user_type) @parent . (variable_declaration . (identifier) @name)) @data
(property_declaration
  (variable_declaration . (identifier) @name)
  [(lambda_literal) (anonymous_function)]) @function

(line_comment) @above
(block_comment) @above
