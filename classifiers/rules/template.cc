#include "classifiers/rules/template.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/printf.h>

namespace medic {
namespace {

using Item = std::variant<std::string, double>;

std::string text_of(const Item& item) {
    return std::holds_alternative<double>(item) ? go_float(std::get<double>(item)) : std::get<std::string>(item);
}

std::optional<double> number_of(const Item& item) {
    if (std::holds_alternative<double>(item)) return std::get<double>(item);
    const std::string& text = std::get<std::string>(item);
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::string humanize(double value, double base, std::string_view larger, std::string_view smaller) {
    if (value == 0 || !std::isfinite(value)) return fmt::sprintf("%.4g", value);
    std::string prefix;
    if (std::abs(value) >= 1) {
        for (const char each : larger) {
            if (std::abs(value) < base) break;
            prefix = each;
            value /= base;
        }
        if (base == 1024 && !prefix.empty()) prefix += 'i';
    } else {
        for (const char each : smaller) {
            if (std::abs(value) >= 1) break;
            prefix = each == 'u' ? "µ" : std::string(1, each);
            value *= base;
        }
    }
    return fmt::sprintf("%.4g%s", value, prefix);
}

std::string humanize_duration(double seconds) {
    if (!std::isfinite(seconds)) return fmt::sprintf("%.4g", seconds);
    if (seconds == 0) return "0s";
    if (std::abs(seconds) < 1) return humanize(seconds, 1000, "", "munpfazy") + "s";
    const std::string sign = seconds < 0 ? "-" : "";
    const double whole = std::abs(seconds);
    const auto total = static_cast<std::int64_t>(whole);
    const std::int64_t days = total / 86400, hours = total / 3600 % 24, minutes = total / 60 % 60, rest = total % 60;
    if (days != 0) return fmt::format("{}{}d {}h {}m {}s", sign, days, hours, minutes, rest);
    if (hours != 0) return fmt::format("{}{}h {}m {}s", sign, hours, minutes, rest);
    if (minutes != 0) return fmt::format("{}{}m {}s", sign, minutes, rest);
    return fmt::sprintf("%s%.4gs", sign, whole);
}

// Go's Printf for one verb per argument; nullopt when a verb is unknown.
std::optional<std::string> print(std::string_view format, const std::vector<Item>& arguments) {
    std::string result;
    std::size_t next = 0;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%') {
            result += format[i];
            continue;
        }
        const std::size_t verb = format.find_first_not_of("+-# 0123456789.", i + 1);
        if (verb == std::string_view::npos) return std::nullopt;
        if (format[verb] == '%') {
            result += '%';
        } else {
            if (next >= arguments.size()) return std::nullopt;
            const Item& argument = arguments[next++];
            const std::string specification(format.substr(i, verb - i));
            constexpr std::size_t specification_max = 8;  // Widths beyond that are a mistake.
            if (specification.size() > specification_max) return std::nullopt;
            const auto number = number_of(argument);
            switch (format[verb]) {
                case 's':
                case 'v': result += fmt::sprintf(specification + "s", text_of(argument)); break;
                case 'q': result += '"' + text_of(argument) + '"'; break;
                case 'd':
                    if (!number || !(std::abs(*number) < 9e18)) return std::nullopt;
                    result += fmt::sprintf(specification + "d", static_cast<std::int64_t>(*number));
                    break;
                case 'f':
                case 'g':
                case 'e':
                    if (!number) return std::nullopt;
                    result += fmt::sprintf(specification + format[verb], *number);
                    break;
                default: return std::nullopt;
            }
        }
        i = verb;
    }
    return result;
}

// Words of an action: $labels.x, .Value, "text", functions, |.
std::optional<std::vector<std::string>> split(std::string_view action) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < action.size();) {
        const char c = action[i];
        if (c == ' ' || c == '\t' || c == '\n') {
            ++i;
        } else if (c == '|') {
            words.emplace_back("|");
            ++i;
        } else if (c == '"' || c == '`') {
            std::string text = "\"";
            for (++i; i < action.size() && action[i] != c; ++i) {
                if (c == '"' && action[i] == '\\' && i + 1 < action.size()) ++i;
                text += action[i];
            }
            if (i >= action.size()) return std::nullopt;
            ++i;
            words.push_back(std::move(text));
        } else {
            const auto end = std::min(action.find_first_of(" \t\n|\"`", i), action.size());
            words.emplace_back(action.substr(i, end - i));
            i = end;
        }
    }
    return words;
}

std::optional<Item> evaluate_word(const std::string& word, const TemplateData& data) {
    if (word.starts_with('"')) return word.substr(1);
    if (word == "$value" || word == ".Value") return data.value;
    for (const std::string_view prefix : {"$labels.", ".Labels."})
        if (word.starts_with(prefix)) return std::string(data.labels.get(word.substr(prefix.size())));
    for (const std::string_view prefix : {"$externalLabels.", "$externalURL", ".ExternalLabels.", ".ExternalURL"})
        if (word.starts_with(prefix)) return std::string();
    if (const auto number = number_of(word)) return *number;
    return std::nullopt;
}

std::optional<Item> call(const std::string& name, const std::vector<Item>& arguments) {
    if (arguments.empty()) return std::nullopt;
    if (name == "printf") return print(text_of(arguments[0]), {arguments.begin() + 1, arguments.end()});
    const Item& last = arguments.back();
    const std::string text = text_of(last);
    if (name == "toUpper" || name == "toLower" || name == "title") {
        std::string result = text;
        bool start = true;
        for (char& c : result) {
            const bool change = name != "title" || start;
            start = c == ' ';
            if (change && name == "toLower" && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
            if (change && name != "toLower" && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        }
        return result;
    }
    const auto number = number_of(last);
    if (!number) return std::nullopt;
    if (name == "humanize") return humanize(*number, 1000, "kMGTPEZY", "munpfazy");
    if (name == "humanize1024")
        return std::abs(*number) <= 1 ? fmt::sprintf("%.4g", *number) : humanize(*number, 1024, "kMGTPEZY", "");
    if (name == "humanizePercentage") return fmt::sprintf("%.4g%%", *number * 100);
    if (name == "humanizeDuration") return humanize_duration(*number);
    return std::nullopt;
}

std::optional<std::string> evaluate_action(std::string_view action, const TemplateData& data) {
    const auto words = split(action);
    if (!words || words->empty()) return std::nullopt;
    std::optional<Item> piped;
    for (std::size_t i = 0; i < words->size(); ++i) {
        std::vector<std::string> stage;
        while (i < words->size() && (*words)[i] != "|") stage.push_back((*words)[i++]);
        if (stage.empty()) return std::nullopt;
        if (stage[0] == "index" && stage.size() == 3 && (stage[1] == "$labels" || stage[1] == ".Labels") &&
            stage[2].starts_with('"')) {
            piped = std::string(data.labels.get(stage[2].substr(1)));
            continue;
        }
        if (const auto value = evaluate_word(stage[0], data); value && stage.size() == 1 && !piped) {
            piped = *value;
            continue;
        }
        std::vector<Item> arguments;
        for (std::size_t k = 1; k < stage.size(); ++k) {
            const auto value = evaluate_word(stage[k], data);
            if (!value) return std::nullopt;
            arguments.push_back(*value);
        }
        if (piped) arguments.push_back(*piped);
        piped = call(stage[0], arguments);
        if (!piped) return std::nullopt;
    }
    return piped ? std::optional(text_of(*piped)) : std::nullopt;
}

// Calls on(literal) and action(inside, whole) in turn.
template <class OnText, class OnAction>
void walk(std::string_view text, OnText on_text, OnAction on_action) {
    while (!text.empty()) {
        const auto open = text.find("{{");
        const auto close = open == std::string_view::npos ? open : text.find("}}", open);
        if (close == std::string_view::npos) return on_text(text);
        on_text(text.substr(0, open));
        std::string_view inside = text.substr(open + 2, close - open - 2);
        if (inside.starts_with("- ")) inside.remove_prefix(2);
        if (inside.ends_with(" -")) inside.remove_suffix(2);
        on_action(inside, text.substr(open, close + 2 - open));
        text.remove_prefix(close + 2);
    }
}

}  // namespace

std::string go_float(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    const double magnitude = std::abs(value);
    // %v is %g with the shortest digits and an exponent below 1e-4 and from 1e21 on.
    const bool scientific = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e21);
    char text[400];
    const auto [end, code] = std::to_chars(text, text + sizeof text, value,
                                           scientific ? std::chars_format::scientific : std::chars_format::fixed);
    return {text, end};
}

std::string expand_template(std::string_view text, const TemplateData& data) {
    std::string result;
    walk(
        text, [&](std::string_view literal) { result += literal; },
        [&](std::string_view inside, std::string_view whole) {
            const auto value = evaluate_action(inside, data);
            result += value ? *value : std::string(whole);
        });
    return result;
}

std::string unknown_in_template(std::string_view text) {
    const Labels labels;
    std::string unknown;
    walk(
        text, [](std::string_view) {},
        [&](std::string_view inside, std::string_view whole) {
            if (unknown.empty() && !evaluate_action(inside, {labels, 1})) unknown = whole;
        });
    return unknown;
}

}  // namespace medic
