; What C++ adds. `A::b` outside of its class has `A` as ancestor.

(namespace_definition name: (_) @path) @namespace
(class_specifier name: (_) @path body: (_)) @type
(concept_definition name: (_) @name) @type
(alias_declaration name: (_) @name) @data
(declaration
  declarator: (init_declarator declarator: (identifier) @name value: (lambda_expression))) @function

(template_declaration (function_definition declarator: (_) @declarator)) @function
(template_declaration (class_specifier name: (_) @path body: (_))) @type
(template_declaration (struct_specifier name: (_) @path body: (_))) @type
(template_declaration (union_specifier name: (_) @path body: (_))) @type
(template_declaration (concept_definition name: (_) @name)) @type
(template_declaration (alias_declaration name: (_) @name)) @data
(template_declaration (declaration declarator: (_) @declarator)) @data
(template_declaration (template_declaration (function_definition declarator: (_) @declarator))) @function
