// A value while a template runs, with the type that Go would give it: printing and comparing hang on it. Only for this
// folder.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "classifiers/rules/template/template.h"

namespace medic::templates {

struct Item;
using List = std::vector<Item>;

struct Map {
    enum class Kind : std::uint8_t { texts, any, fields };  // map[string]string, map[string]any, a struct
    Kind kind = Kind::texts;
    std::map<std::string, Item> entries;
};

struct Item {
    std::variant<std::monostate, bool, std::int64_t, double, std::string, std::shared_ptr<const Map>,
                 std::shared_ptr<const List>>
        value;

    [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&value); }
    [[nodiscard]] const Map* map() const {
        const auto* found = std::get_if<std::shared_ptr<const Map>>(&value);
        return found == nullptr ? nullptr : found->get();
    }
    [[nodiscard]] const List* list() const {
        const auto* found = std::get_if<std::shared_ptr<const List>>(&value);
        return found == nullptr ? nullptr : found->get();
    }
};

struct RunFailure {
    std::string message;
};
template <class... Args>
[[noreturn]] void stop(fmt::format_string<Args...> format, Args&&... args) {
    throw RunFailure{fmt::format(format, std::forward<Args>(args)...)};
}

[[nodiscard]] Item texts(const Labels& labels);
[[nodiscard]] Item samples(const std::vector<TemplateSample>& found);

[[nodiscard]] std::string print(const Item& item);      // %v
[[nodiscard]] std::string type_name(const Item& item);  // string, float64, …
[[nodiscard]] bool truth(const Item& item);
[[nodiscard]] std::string print_formatted(const std::string& format, const std::vector<Item>& arguments);  // Printf

// Calls a function by name. Throws RunFailure.
[[nodiscard]] Item call(const std::string& name, const std::vector<Item>& arguments, const TemplateData& data);

}  // namespace medic::templates
