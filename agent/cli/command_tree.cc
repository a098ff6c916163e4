#include "agent/cli/command_tree_internal.h"

namespace medic::cli {
namespace {

// CLI11 says "TEXT:{text,json}" where only these values are taken.
std::vector<std::string> choices_of(const std::string& type) {
    const auto open = type.find('{'), close = type.rfind('}');
    std::vector<std::string> choices;
    if (open == std::string::npos || close == std::string::npos || close < open) return choices;
    for (std::size_t from = open + 1; from <= close;) {
        const auto comma = std::min(type.find(',', from), close);
        choices.push_back(type.substr(from, comma - from));
        from = comma + 1;
    }
    return choices;
}

OptionNode option_node(const CLI::Option& option) {
    OptionNode node;
    node.what = option.get_description();
    node.required = option.get_required();
    const std::string type = option.get_type_name();
    node.choices = choices_of(type);
    if (option.get_positional() && !option.nonpositional()) {
        node.value = option.get_name(true);
        return node;
    }
    for (const std::string& name : option.get_snames()) node.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) node.names.push_back("--" + name);
    if (option.get_items_expected_max() > 0) node.value = type.substr(0, type.find(':'));
    if (node.value.empty() && option.get_items_expected_max() > 0) node.value = "VALUE";
    return node;
}

CommandNode node_of(const CLI::App& app, const std::string& parents, bool top) {
    CommandNode node{.name = app.get_name(),
                     .path = top ? "" : parents + (parents.empty() ? "" : " ") + app.get_name(),
                     .group = app.get_group(),
                     .what = app.get_description(),
                     .footer = app.get_footer(),
                     .options = {},
                     .positionals = {},
                     .commands = {}};
    for (const CLI::Option* option : app.get_options()) {
        OptionNode one = option_node(*option);
        auto& list = one.names.empty() ? node.positionals : node.options;
        list.push_back(std::move(one));
    }
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        node.commands.push_back(node_of(*command, node.path, false));
    return node;
}

void add_all(const CommandNode& node, std::vector<const CommandNode*>& all) {
    all.push_back(&node);
    for (const CommandNode& one : node.commands) add_all(one, all);
}

}  // namespace

CommandNode command_tree(const CLI::App& app) { return node_of(app, "", true); }

std::vector<const CommandNode*> all_commands(const CommandNode& top) {
    std::vector<const CommandNode*> all;
    add_all(top, all);
    return all;
}

}  // namespace medic::cli
