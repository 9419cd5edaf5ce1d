; Swift. What an extension adds counts to the type.

(class_declaration name: (_) @path) @type
(protocol_declaration name: (_) @name) @type
(typealias_declaration name: (type_identifier) @name) @data
(function_declaration "func" . name: _ @name) @function
(protocol_function_declaration name: (simple_identifier) @name) @function
(protocol_property_declaration name: (pattern bound_identifier: (_) @name)) @data
(init_declaration "init" @name) @function
(deinit_declaration "deinit" @name) @function
(subscript_declaration "subscript" @name) @function
(property_declaration name: (pattern bound_identifier: (_) @name)) @data
(property_declaration name: (pattern bound_identifier: (_) @name) value: (lambda_literal)) @function

(comment) @above
(multiline_comment) @above
