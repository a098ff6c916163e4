#include <cmath>

#include <fmt/printf.h>

#include "classifiers/rules/promql/text.h"
#include "classifiers/rules/template/item_internal.h"

namespace medic::templates {

Item texts(const Labels& labels) {
    Map map;
    for (const auto& [name, value] : labels.pairs()) map.entries[name] = Item{value};
    return Item{std::make_shared<const Map>(std::move(map))};
}

Item samples(const std::vector<TemplateSample>& found) {
    List list;
    for (const auto& sample : found) {
        Map fields{Map::Kind::fields, {}};
        fields.entries["Labels"] = texts(sample.labels);
        fields.entries["Value"] = Item{sample.value};
        list.push_back(Item{std::make_shared<const Map>(std::move(fields))});
    }
    return Item{std::make_shared<const List>(std::move(list))};
}

std::string print(const Item& item) {
    if (const auto* flag = std::get_if<bool>(&item.value)) return *flag ? "true" : "false";
    if (const auto* number = std::get_if<std::int64_t>(&item.value)) return std::to_string(*number);
    if (const auto* number = std::get_if<double>(&item.value)) return promql::format_general(*number);
    if (const auto* text = item.text()) return *text;
    std::string result;
    if (const Map* map = item.map()) {
        const bool fields = map->kind == Map::Kind::fields;
        for (const auto& [name, value] : map->entries)
            result += (result.empty() ? "" : " ") + (fields ? "" : name + ":") + print(value);
        return fields ? "{" + result + "}" : "map[" + result + "]";
    }
    if (const List* list = item.list()) {
        for (const auto& each : *list) result += (result.empty() ? "" : " ") + print(each);
        return "[" + result + "]";
    }
    return "<no value>";
}

std::string type_name(const Item& item) {
    if (std::holds_alternative<bool>(item.value)) return "bool";
    if (std::holds_alternative<std::int64_t>(item.value)) return "int";
    if (std::holds_alternative<double>(item.value)) return "float64";
    if (item.text() != nullptr) return "string";
    if (item.map() != nullptr) return "map[string]string";
    if (item.list() != nullptr) return "queryResult";
    return "nil";
}

bool truth(const Item& item) {
    if (const auto* flag = std::get_if<bool>(&item.value)) return *flag;
    if (const auto* number = std::get_if<std::int64_t>(&item.value)) return *number != 0;
    if (const auto* number = std::get_if<double>(&item.value)) return *number != 0;
    if (const auto* text = item.text()) return !text->empty();
    if (const Map* map = item.map()) return map->kind == Map::Kind::fields || !map->entries.empty();
    if (const List* list = item.list()) return !list->empty();
    return false;
}

namespace {

// Go's answer to a verb that does not fit: %!d(float64=3).
std::string misfit(char verb, const Item& item) {
    return fmt::format("%!{}({}={})", verb, type_name(item), print(item));
}

std::string print_float(const std::string& flags, char verb, double value) {
    if (!std::isfinite(value)) return promql::format_general(value);
    if (verb == 'v' || (verb == 'g' && flags.find('.') == std::string::npos))
        return fmt::sprintf(flags.substr(0, flags.find('.')) + "s", promql::format_general(value));
    return fmt::sprintf(flags + verb, value);
}

std::string print_verb(const std::string& flags, char verb, const Item& item) {
    if (verb == 'v') {
        if (const auto* number = std::get_if<double>(&item.value)) return print_float(flags, verb, *number);
        return fmt::sprintf(flags + "s", print(item));
    }
    if (const auto* text = item.text()) {
        if (verb == 's') return fmt::sprintf(flags + "s", *text);
        if (verb == 'q') return promql::quoted(*text);
    }
    if (verb == 's' && (item.map() != nullptr || item.list() != nullptr)) return print(item);
    if (const auto* number = std::get_if<double>(&item.value))
        if (std::string_view("feEgGF").find(verb) != std::string_view::npos) return print_float(flags, verb, *number);
    if (const auto* number = std::get_if<std::int64_t>(&item.value)) {
        if (verb == 'd') return fmt::sprintf(flags + "d", *number);
        if (verb == 'x' || verb == 'X' || verb == 'o') return fmt::sprintf(flags + verb, *number);
    }
    if (verb == 't' && std::holds_alternative<bool>(item.value)) return print(item);
    return misfit(verb, item);
}

}  // namespace

std::string print_formatted(const std::string& format, const std::vector<Item>& arguments) {
    constexpr std::size_t flags_max = 8;  // Widths beyond that are a mistake.
    std::string result;
    std::size_t next = 0;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%') {
            result += format[i];
            continue;
        }
        const std::size_t verb = format.find_first_not_of("+-# 0123456789.", i + 1);
        if (verb == std::string::npos) return result + "%!(NOVERB)";
        if (verb - i > flags_max) stop("printf: the width in \"{}\" is too large", format.substr(i, verb - i + 1));
        if (format[verb] == '%')
            result += '%';
        else if (next >= arguments.size())
            result += fmt::format("%!{}(MISSING)", format[verb]);
        else
            result += print_verb(format.substr(i, verb - i), format[verb], arguments[next++]);
        i = verb;
    }
    if (next >= arguments.size()) return result;
    result += "%!(EXTRA ";
    for (std::size_t i = next; i < arguments.size(); ++i)
        result += fmt::format("{}{}={}", i == next ? "" : ", ", type_name(arguments[i]), print(arguments[i]));
    return result + ")";
}

}  // namespace medic::templates
