#include "engine/connect/plugin.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "engine/common/throw_trace.h"

namespace medic::engine::connect {
namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string missing(std::string_view name) {
    return fmt::format("Missing required configuration \"{}\" which has no default value.", name);
}

}  // namespace

const std::vector<Plugin>& plugins() {
    static const std::vector<Plugin> all = {connectors::file_sink(), connectors::file_source(),
                                            connectors::generator_source(), connectors::sqlite_sink()};
    return all;
}

const Plugin* find_plugin(std::string_view class_name_or_alias) {
    const auto found = std::ranges::find_if(plugins(), [&](const Plugin& plugin) {
        const auto simple = plugin.class_name.substr(plugin.class_name.rfind('.') + 1);
        return plugin.class_name == class_name_or_alias || plugin.alias == class_name_or_alias ||
               simple == class_name_or_alias;
    });
    return found == plugins().end() ? nullptr : &*found;
}

std::vector<std::string> validate(const Config& config) {
    std::vector<std::string> errors;
    const Plugin* plugin = find_plugin(text_option(config, "connector.class"));
    if (!plugin)
        return {fmt::format("Failed to find any class that implements Connector and which name matches {}",
                            text_option(config, "connector.class", "null"))};
    if (const auto found = config.find("tasks.max"); found != config.end()) {
        const auto number = parse_number(found->second);
        if (!number)
            errors.push_back(
                fmt::format("Invalid value {} for configuration tasks.max: Not a number of type INT", found->second));
        else if (*number < 1)
            errors.push_back(
                fmt::format("Invalid value {} for configuration tasks.max: Value must be at least 1", found->second));
    }
    for (const auto& option : plugin->options)
        if (option.required && text_option(config, option.name).empty()) errors.push_back(missing(option.name));
    if (plugin->type == ConnectorType::sink && list_option(config, "topics").empty())
        errors.push_back("Must configure one of topics or topics.regex");
    const std::string dead_letters = text_option(config, "errors.deadletterqueue.topic.name");
    const auto topics = list_option(config, "topics");
    if (!dead_letters.empty() && std::ranges::find(topics, dead_letters) != topics.end())
        errors.push_back(fmt::format(
            "The DLQ topic '{}' may not be included in the list of topics (\"topics={}\") consumed by the connector",
            dead_letters, text_option(config, "topics")));
    return errors;
}

int task_count(const Plugin& plugin, const Config& config) {
    const auto wanted = parse_number(text_option(config, "tasks.max", "1")).value_or(1);
    return static_cast<int>(std::clamp<std::int64_t>(wanted, 1, plugin.tasks_max));
}

std::string text_option(const Config& config, std::string_view name, std::string_view fallback) {
    const auto found = config.find(std::string(name));
    return std::string(found == config.end() ? fallback : trimmed(found->second));
}

std::int64_t number_option(const Config& config, std::string_view name, std::int64_t fallback) {
    const std::string text = text_option(config, name);
    if (text.empty()) return fallback;
    if (const auto number = parse_number(text)) return *number;
    throw NamedException("org.apache.kafka.common.config.ConfigException",
                         fmt::format("Invalid value {} for configuration {}: Not a number of type LONG", text, name));
}

std::vector<std::string> list_option(const Config& config, std::string_view name) {
    std::vector<std::string> items;
    const std::string text = text_option(config, name);
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        const std::string_view item = trimmed(rest.substr(0, comma));
        if (!item.empty()) items.emplace_back(item);
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return items;
}

}  // namespace medic::engine::connect
