// A parsed template. Only for this folder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "classifiers/rules/template/template.h"

namespace medic::templates {

struct Pipeline;

struct Argument {
    enum class Kind : std::uint8_t { whole_number, number, text, boolean, nil, dot, variable, function, pipeline };
    Kind kind = Kind::nil;
    std::int64_t whole_number = 0;
    double number = 0;
    bool boolean = false;
    std::string text;                 // A text's value; the name of a variable or function.
    std::vector<std::string> fields;  // .a.b behind it
    std::shared_ptr<Pipeline> pipeline;
};

using Command = std::vector<Argument>;

struct Pipeline {
    std::vector<std::string> variables;  // $x, or $i, $x before :=
    bool declares = false;               // := rather than =
    std::vector<Command> commands;
    std::string source;  // For errors.
};

struct Node {
    enum class Kind : std::uint8_t { text, action, if_else, range, with };
    Kind kind = Kind::text;
    std::string text;
    Pipeline pipeline;
    std::vector<Node> body, otherwise;
};

[[nodiscard]] bool is_function(std::string_view name);

}  // namespace medic::templates

namespace medic {
struct Template::Block {
    std::vector<templates::Node> nodes;
};
}  // namespace medic
