; Go. A method's ancestor is the type of its receiver.

(function_declaration name: (identifier) @name) @function

(method_declaration
  receiver: (parameter_list
    (parameter_declaration
      type: [
        (type_identifier) @parent
        (generic_type type: (_) @parent)
        (pointer_type (type_identifier) @parent)
        (pointer_type (generic_type type: (_) @parent))
        (parenthesized_type (pointer_type (_) @parent))
      ]))
  name: (field_identifier) @name) @function

; One specification of a group; alone, with its keyword.
(type_declaration "type" @lead (type_spec name: (type_identifier) @name) @type)
(type_declaration "type" @lead (type_alias name: (type_identifier) @name) @type)
(type_spec name: (type_identifier) @name) @type
(type_alias name: (type_identifier) @name) @type
(const_declaration "const" @lead (const_spec name: (identifier) @name) @data)
(var_declaration "var" @lead (var_spec name: (identifier) @name) @data)
(var_spec_list (var_spec name: (identifier) @name) @data)

(interface_type (method_elem name: (field_identifier) @name) @function)

; Names that are bound to a function.
(var_declaration
  "var" @lead
  (var_spec . name: (identifier) @name value: (expression_list . (func_literal))) @function)
(short_var_declaration
  left: (expression_list . (identifier) @name)
  right: (expression_list . (func_literal))) @function

(comment) @above
