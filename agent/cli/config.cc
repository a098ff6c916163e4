#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/cli/command_internal.h"
#include "agent/cli/terminal.h"
#include "agent/config/config.h"
#include "remediations/guards/policy.h"
#include "remediations/guards/policy_reference.h"

namespace medic::cli {
namespace {

int check(const std::string& path) {
    const auto config = load_config_file(path);
    if (!config) return complain(config.error().message, exit_problem);
    std::size_t nodes = 0, pages = 0;
    for (const auto& cluster : config->clusters) {
        nodes += cluster.nodes.size();
        pages += cluster.pages.size();
    }
    print_text(fmt::format("{}: good.{} {} cluster(s), {} node(s), {} page(s); API on {}, data in {}\n", path,
                           config->scope == Scope::node ? " A sidecar (scope: node):" : "", config->clusters.size(),
                           nodes, pages, config->api_listen, config->data_dir));
    for (const std::string& note : config_notes(*config)) print_text("note: " + note + "\n");
    return exit_ok;
}

int check_policy(const std::string& path) {
    const auto policy = load_policy_file(path);
    if (!policy) return complain(policy.error().message, exit_problem);
    print_text(
        fmt::format("{}: good. A policy of {} rule(s); `medic agent` prints at its start what they let it change\n",
                    path, policy->rules.size()));
    return exit_ok;
}

// Both where both are given; the first that is not good decides.
int check_files(const std::string& config, const std::string& policy) {
    if (config.empty() && policy.empty()) return complain("expected FILE (medic.yaml) or --policy FILE", exit_usage);
    if (const int code = config.empty() ? exit_ok : check(config); code != exit_ok || policy.empty()) return code;
    return check_policy(policy);
}

}  // namespace

void add_config(CLI::App& app, Context& context) {
    CLI::App* config = add(app, run, "config", "Check medic.yaml or policy.yaml, or print what may stand in it",
                           "  medic config check medic.yaml\n  medic config check --policy policy.yaml\n"
                           "  medic config reference > reference.md");
    config->require_subcommand(1);
    static std::string path, policy_path;
    CLI::App* check_command =
        config->add_subcommand("check", "Read a file as the agent would; errors say file:line:column");
    check_command->add_option("FILE", path, "medic.yaml");
    check_command->add_option("--policy", policy_path, "policy.yaml");
    check_command->callback([&context] { context.exit_code = check_files(path, policy_path); });
    static bool policy = false;
    CLI::App* reference =
        config->add_subcommand("reference", "Print all keys, their types, defaults and meaning (Markdown)");
    reference->add_flag("--policy", policy, "Of policy.yaml instead of medic.yaml");
    reference->callback([] { fmt::print("{}", policy ? policy_reference() : config_reference()); });
}

}  // namespace medic::cli
