; What JavaScript and TypeScript have in common.

(function_declaration name: (_) @name) @function
(generator_function_declaration name: (_) @name) @function
(class_declaration name: (_) @name) @type
(method_definition name: (_) @name) @function

; Names that are bound to a function or a class of their own.
(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: [(arrow_function) (function_expression) (generator_function)])) @function
(variable_declaration
  (variable_declarator
    name: (identifier) @name
    value: [(arrow_function) (function_expression) (generator_function)])) @function
(lexical_declaration (variable_declarator name: (identifier) @name value: (class))) @type
(variable_declaration (variable_declarator name: (identifier) @name value: (class))) @type

; At file level also objects, and what a call makes of a function: memo(() => …), create((set) => …).
(lexical_declaration (variable_declarator name: (identifier) @name value: (object))) @data
(variable_declaration (variable_declarator name: (identifier) @name value: (object))) @data
(lexical_declaration
  (variable_declarator
    name: (identifier) @name
    value: (call_expression
      arguments: (arguments [
        (arrow_function)
        (function_expression)
        (generator_function)
        (call_expression arguments: (arguments [(arrow_function) (function_expression)]))
      ])))) @data

(pair key: (_) @name value: [(arrow_function) (function_expression) (generator_function)]) @function

; exports.name = function, module.exports.name = function, A.name = function, A.prototype.name = function
(expression_statement
  (assignment_expression
    left: (member_expression
      object: (identifier) @is.exports.window.self.globalThis
      property: (property_identifier) @name)
    right: [(arrow_function) (function_expression) (generator_function) (class)])) @function
(expression_statement
  (assignment_expression
    left: (member_expression
      object: (member_expression object: (identifier) @is.module property: (property_identifier) @is.exports)
      property: (property_identifier) @name)
    right: [(arrow_function) (function_expression) (generator_function) (class)])) @function
(expression_statement
  (assignment_expression
    left: (member_expression
      object: (identifier) @parent @not.exports.module.window.self.globalThis
      property: (property_identifier) @name)
    right: [(arrow_function) (function_expression) (generator_function) (class)])) @function
(expression_statement
  (assignment_expression
    left: (member_expression
      object: (member_expression object: (identifier) @parent property: (property_identifier) @is.prototype)
      property: (property_identifier) @name)
    right: [(arrow_function) (function_expression) (generator_function)])) @function

(export_statement declaration: (function_declaration name: (_) @name)) @function
(export_statement declaration: (generator_function_declaration name: (_) @name)) @function
(export_statement declaration: (class_declaration name: (_) @name)) @type
(export_statement
  declaration: (lexical_declaration
    (variable_declarator
      name: (identifier) @name
      value: [(arrow_function) (function_expression) (generator_function) (class) (object)
        (call_expression arguments: (arguments [
          (arrow_function)
          (function_expression)
          (call_expression arguments: (arguments [(arrow_function) (function_expression)]))
        ]))]))) @data

; Without a name of its own it goes by the name that others import it by.
(export_statement
  "default" @name
  value: [(arrow_function) (function_expression) (generator_function) (class)]) @function

(comment) @above
(decorator) @above
