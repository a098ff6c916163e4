#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <re2/re2.h>

#include "agent/base/yaml.h"
#include "classifiers/rules/template/humanize_internal.h"
#include "classifiers/rules/template/item_internal.h"
#include "classifiers/rules/template/tree_internal.h"

namespace medic::templates {
namespace {

using Items = std::vector<Item>;

const std::string& text(const Item& item, std::string_view function) {
    const std::string* const found = item.text();
    if (found == nullptr) stop("{}: expected a string, found {} {}", function, type_name(item), print(item));
    return *found;
}

double number(const Item& item, std::string_view function) {
    if (const auto* found = std::get_if<double>(&item.value)) return *found;
    if (const auto* found = std::get_if<std::int64_t>(&item.value)) return static_cast<double>(*found);
    if (const std::string* found = item.text()) {
        if (const auto special = *found; special == "NaN") return std::nan("");
        double value = 0;
        const char* const end = found->data() + found->size();
        const char* const begin = found->data() + (found->starts_with('+') ? 1 : 0);
        const auto [stop_at, code] = std::from_chars(begin, end, value);
        if (code == std::errc{} && stop_at == end && begin != end) return value;
    }
    stop("{}: expected a number, found {} {}", function, type_name(item), print(item));
}

// eq, lt, …: like Go, they compare only what has the same type.
int compare(const Item& a, const Item& b, std::string_view name) {
    if (a.value.index() != b.value.index()) stop("error calling {}: incompatible types for comparison", name);
    const auto order = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
    if (const auto* x = std::get_if<std::int64_t>(&a.value)) return order(*x, std::get<std::int64_t>(b.value));
    if (const auto* x = std::get_if<double>(&a.value)) {
        const double y = std::get<double>(b.value);
        constexpr int neither = 2;  // NaN is not less, not equal, not greater.
        return std::isnan(*x) || std::isnan(y) ? neither : order(*x, y);
    }
    if (const auto* x = a.text()) return order(*x, *b.text());
    if (const auto* x = std::get_if<bool>(&a.value)) return order(*x, std::get<bool>(b.value));
    stop("error calling {}: invalid type for comparison", name);
}

std::optional<Item> comparison(std::string_view name, const Items& items) {
    if (items.size() < 2) return std::nullopt;
    if (name == "eq") {
        for (std::size_t i = 1; i < items.size(); ++i)
            if (compare(items[0], items[i], name) == 0) return Item{true};
        return Item{false};
    }
    if (items.size() != 2) return std::nullopt;
    const int order = compare(items[0], items[1], name);
    if (name == "ne") return Item{order != 0};
    if (name == "lt") return Item{order == -1};
    if (name == "le") return Item{order == -1 || order == 0};
    if (name == "gt") return Item{order == 1};
    return Item{order == 1 || order == 0};
}

Item index(const Items& items) {
    Item at = items[0];
    for (std::size_t i = 1; i < items.size(); ++i) {
        if (const Map* map = at.map()) {
            const auto found = map->entries.find(text(items[i], "index"));
            const Item next = found != map->entries.end()     ? found->second
                              : map->kind == Map::Kind::texts ? Item{std::string()}
                                                              : Item{};
            at = next;
        } else if (const List* list = at.list()) {
            const auto* place = std::get_if<std::int64_t>(&items[i].value);
            if (place == nullptr || *place < 0 || static_cast<std::size_t>(*place) >= list->size())
                stop("error calling index: index out of range: {}", print(items[i]));
            const Item next = (*list)[static_cast<std::size_t>(*place)];
            at = next;
        } else {
            stop("error calling index: can't index item of type {}", type_name(at));
        }
    }
    return at;
}

std::string joined(const Items& items, bool line) {
    std::string result;
    for (std::size_t i = 0; i < items.size(); ++i) {
        // Print puts a blank between two that are both no strings; Println between all.
        const bool blank = i > 0 && (line || (items[i].text() == nullptr && items[i - 1].text() == nullptr));
        result += (blank ? " " : "") + print(items[i]);
    }
    return line ? result + "\n" : result;
}

Item length(const Item& item) {
    if (const auto* found = item.text()) return Item{static_cast<std::int64_t>(found->size())};
    if (const Map* map = item.map()) return Item{static_cast<std::int64_t>(map->entries.size())};
    if (const List* list = item.list()) return Item{static_cast<std::int64_t>(list->size())};
    stop("error calling len: {} has no length", type_name(item));
}

const Map& sample(const Item& item, std::string_view function) {
    const Map* const map = item.map();
    if (map == nullptr || map->kind != Map::Kind::fields)
        stop("{}: expected a sample of a query, found {}", function, type_name(item));
    return *map;
}

std::string label_of(const Item& item, const std::string& name, std::string_view function) {
    const Map* const labels = sample(item, function).entries.at("Labels").map();
    const auto found = labels->entries.find(name);
    return found == labels->entries.end() ? "" : print(found->second);
}

const List& list(const Item& item, std::string_view function) {
    const List* const found = item.list();
    if (found == nullptr) stop("{}: expected the result of a query, found {}", function, type_name(item));
    return *found;
}

Item query(const std::string& expression, const TemplateData& data) {
    if (!data.query) stop("error calling query: no series are at hand");
    const auto found = data.query(expression);
    if (!found) stop("error calling query: {}", found.error().message);
    return samples(*found);
}

Item sorted_by_label(const std::string& label, const Item& vector) {
    List result = list(vector, "sortByLabel");
    std::ranges::stable_sort(result, {}, [&](const Item& item) { return label_of(item, label, "sortByLabel"); });
    return Item{std::make_shared<const List>(std::move(result))};
}

struct Function {
    std::string_view name;
    int arguments;  // -1: any number.
    Item (*run)(const Items& items, const TemplateData& data, std::string_view name);
};

Item numeric(const Items& items, const TemplateData&, std::string_view name) {
    const double value = number(items[0], name);
    if (name == "humanize") return Item{humanize(value)};
    if (name == "humanize1024") return Item{humanize1024(value)};
    if (name == "humanizeDuration" || name == "toDuration") return Item{humanize_duration(value)};
    if (name == "humanizePercentage") return Item{four_digits(value * 100) + "%"};
    return Item{timestamp(value)};  // humanizeTimestamp, toTime
}

Item textual(const Items& items, const TemplateData&, std::string_view name) {
    const std::string& value = text(items[0], name);
    if (name == "stripPort") return Item{split_port(value).first};
    if (name == "stripDomain") return Item{strip_domain(value)};
    if (name == "urlQueryEscape") return Item{url_escaped(value)};
    if (name == "safeHtml") return Item{value};
    if (name == "graphLink") return Item{"/graph?g0.expr=" + url_escaped(value) + "&g0.tab=0"};
    if (name == "tableLink") return Item{"/graph?g0.expr=" + url_escaped(value) + "&g0.tab=1"};
    if (name == "parseDuration") {
        const bool negative = value.starts_with('-');
        const auto duration = parse_duration(std::string_view(value).substr(negative ? 1 : 0));
        if (!duration) stop("error calling parseDuration: {}", duration.error().message);
        return Item{static_cast<double>(duration->count()) / (negative ? -1000 : 1000)};
    }
    return Item{change_case(value, name)};
}

Item args(const Items& items, const TemplateData&, std::string_view) {
    Map map{Map::Kind::any, {}};
    for (std::size_t i = 0; i < items.size(); ++i) map.entries["arg" + std::to_string(i)] = items[i];
    return Item{std::make_shared<const Map>(std::move(map))};
}

Item path_prefix(const Items&, const TemplateData& data, std::string_view) {
    std::string_view url = data.external_url;
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    const auto slash = url.find('/');
    return Item{std::string(slash == std::string_view::npos ? "" : url.substr(slash))};
}

Item comparing(const Items& items, const TemplateData&, std::string_view name) {
    if (auto result = comparison(name, items)) return *std::move(result);
    stop("error calling {}: wrong number of arguments", name);
}

Item matches(const Items& items, const TemplateData&, std::string_view name) {
    const RE2 regex(text(items[0], name), RE2::Quiet);
    if (!regex.ok()) stop("error calling match: bad regular expression: {}", regex.error());
    return Item{RE2::PartialMatch(text(items[1], name), regex)};
}

Item first(const Items& items, const TemplateData&, std::string_view name) {
    const List& found = list(items[0], name);
    if (found.empty()) stop("error calling first: first() called on vector with no elements");
    return found.front();
}

constexpr auto last_item = [](const Items& items, const TemplateData&, std::string_view) {
    return items.empty() ? Item{} : items.back();
};

constexpr Function functions[] = {
    {"and", -1, last_item},
    {"or", -1, last_item},
    {"not", 1, [](const Items& items, const TemplateData&, std::string_view) { return Item{!truth(items[0])}; }},
    {"eq", -1, comparing},
    {"ne", -1, comparing},
    {"lt", -1, comparing},
    {"le", -1, comparing},
    {"gt", -1, comparing},
    {"ge", -1, comparing},
    {"len", 1, [](const Items& items, const TemplateData&, std::string_view) { return length(items[0]); }},
    {"index", -1,
     [](const Items& items, const TemplateData&, std::string_view) {
         if (items.empty()) stop("error calling index: wrong number of arguments");
         return index(items);
     }},
    {"print", -1, [](const Items& items, const TemplateData&, std::string_view) { return Item{joined(items, false)}; }},
    {"println", -1,
     [](const Items& items, const TemplateData&, std::string_view) { return Item{joined(items, true)}; }},
    {"printf", -1,
     [](const Items& items, const TemplateData&, std::string_view name) {
         if (items.empty()) stop("error calling printf: wrong number of arguments");
         return Item{print_formatted(text(items[0], name), Items(items.begin() + 1, items.end()))};
     }},
    {"html", -1,
     [](const Items& items, const TemplateData&, std::string_view) {
         return Item{html_escaped(joined(items, false))};
     }},
    {"urlquery", -1,
     [](const Items& items, const TemplateData&, std::string_view) { return Item{url_escaped(joined(items, false))}; }},
    {"query", 1,
     [](const Items& items, const TemplateData& data, std::string_view name) {
         return query(text(items[0], name), data);
     }},
    {"first", 1, first},
    {"label", 2,
     [](const Items& items, const TemplateData&, std::string_view name) {
         return Item{label_of(items[1], text(items[0], name), name)};
     }},
    {"value", 1,
     [](const Items& items, const TemplateData&, std::string_view name) {
         return sample(items[0], name).entries.at("Value");
     }},
    {"strvalue", 1,
     [](const Items& items, const TemplateData&, std::string_view name) {
         return Item{label_of(items[0], "__value__", name)};
     }},
    {"sortByLabel", 2,
     [](const Items& items, const TemplateData&, std::string_view name) {
         return sorted_by_label(text(items[0], name), items[1]);
     }},
    {"args", -1, args},
    {"reReplaceAll", 3,
     [](const Items& items, const TemplateData&, std::string_view name) {
         return Item{replace_all(text(items[0], name), text(items[1], name), text(items[2], name))};
     }},
    {"match", 2, matches},
    {"title", 1, textual},
    {"toUpper", 1, textual},
    {"toLower", 1, textual},
    {"stripPort", 1, textual},
    {"stripDomain", 1, textual},
    {"urlQueryEscape", 1, textual},
    {"safeHtml", 1, textual},
    {"graphLink", 1, textual},
    {"tableLink", 1, textual},
    {"parseDuration", 1, textual},
    {"humanize", 1, numeric},
    {"humanize1024", 1, numeric},
    {"humanizeDuration", 1, numeric},
    {"humanizePercentage", 1, numeric},
    {"humanizeTimestamp", 1, numeric},
    {"toTime", 1, numeric},
    {"toDuration", 1, numeric},
    {"now", 0,
     [](const Items&, const TemplateData& data, std::string_view) {
         return Item{static_cast<double>(data.at.unix_ms) / 1000};
     }},
    {"externalURL", 0,
     [](const Items&, const TemplateData& data, std::string_view) { return Item{std::string(data.external_url)}; }},
    {"pathPrefix", 0, path_prefix},
};

const Function* find(std::string_view name) {
    const auto* const found = std::ranges::find(functions, name, &Function::name);
    return found == std::end(functions) ? nullptr : found;
}

}  // namespace

bool is_function(std::string_view name) { return find(name) != nullptr; }

Item call(const std::string& name, const std::vector<Item>& arguments, const TemplateData& data) {
    const Function* const function = find(name);
    if (function == nullptr) stop("function \"{}\" not defined", name);
    if (function->arguments >= 0 && static_cast<std::size_t>(function->arguments) != arguments.size())
        stop("wrong number of args for {}: want {} got {}", name, function->arguments, arguments.size());
    return function->run(arguments, data, name);
}

}  // namespace medic::templates
