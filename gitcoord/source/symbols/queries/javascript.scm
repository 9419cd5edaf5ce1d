; What only JavaScript's grammar names so.

(field_definition property: (_) @name) @data
(field_definition property: (_) @name value: [(arrow_function) (function_expression)]) @function
