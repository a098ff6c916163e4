#include <fmt/core.h>
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>

#include "agent/cli/addresses.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/diagnose_text.h"
#include "agent/collectors/connect/connect.h"
#include "agent/daemon/diagnose_once.h"
#include "agent/daemon/owners.h"
#include "classifiers/diagnosis/classifier.h"

namespace medic::cli {
namespace {

struct Options {
    Addresses addresses{.name = "here"};
    std::string config, policy, rules, file, output = "text";
    double seconds = 8;
};

// A configuration from addresses alone.
// A log or stack trace from a file or from standard input: what the classifier says of it alone.
int diagnose_text_file(const Options& options) {
    Config config;  // For its owners.
    if (!options.config.empty()) {
        auto loaded = load_config_file(options.config);
        if (!loaded) return complain(loaded.error().message, exit_usage);
        config = *std::move(loaded);
    }
    std::string text;
    if (options.file == "-") {
        text.assign(std::istreambuf_iterator<char>(std::cin), {});
    } else {
        std::ifstream in(options.file, std::ios::binary);
        if (!in) return complain(options.file + ": can't be read", exit_usage);
        text.assign(std::istreambuf_iterator<char>(in), {});
    }
    auto catalogue = options.rules.empty() ? Catalogue::load_embedded() : Catalogue::load_directory(options.rules);
    if (!catalogue) return complain(catalogue.error().message, exit_usage);
    const Classifier classifier{*std::move(catalogue)};
    const Classification said = classifier.classify_text(text, Component::unknown);
    std::string owner;
    if (const Cause* cause = classifier.catalogue().find(said.cause); cause != nullptr)
        owner = owner_of_text(config, cause->owner, text);
    fmt::print("{}", options.output == "text" || options.output == "wide"
                         ? text_of(said, owner)
                         : json_of(said, owner, options.output == "yaml"));
    return said.cause.empty() ? exit_cannot_tell : exit_problem;
}

int diagnose(const Options& options) {
    if (!options.file.empty()) return diagnose_text_file(options);
    DiagnoseOptions once;
    if (options.config.empty() && options.addresses.empty())
        return complain("diagnose: give --config FILE, or --kafka, --flink, --connect, --prometheus, or --file",
                        exit_usage);
    auto config = options.config.empty() ? config_of(options.addresses) : load_config_file(options.config);
    if (!config) return complain(config.error().message, exit_usage);
    once.config = *std::move(config);
    once.rules_directory = options.rules;
    once.look_for = Duration(static_cast<std::int64_t>(options.seconds * 1000));
    if (!options.policy.empty()) {
        auto policy = load_policy_file(options.policy);
        if (!policy) return complain(policy.error().message, exit_usage);
        once.policy = *std::move(policy);
    }
    const auto result = diagnose_once(std::move(once));
    if (!result) return complain(result.error().message, exit_cannot_tell);
    if (options.output == "json" || options.output == "yaml")
        fmt::print("{}", json_of(*result, options.output == "yaml"));
    else
        fmt::print("{}", text_of(*result, options.output == "wide"));
    switch (result->verdict) {
        case DiagnoseResult::Verdict::healthy: return exit_ok;
        case DiagnoseResult::Verdict::problem: return exit_problem;
        case DiagnoseResult::Verdict::cannot_tell: break;
    }
    return exit_cannot_tell;
}

}  // namespace

void add_diagnose(CLI::App& app, Context& context) {
    CLI::App* command = add(app, on_call, "diagnose",
                            "Look at a cluster and say what is wrong, whose it is and what to do (reads only)",
                            "  medic diagnose --config medic.yaml\n"
                            "  medic diagnose --flink http://jobmanager:8081 --kafka broker:9092 -o json\n"
                            "  kubectl logs taskmanager-1 | medic diagnose --file -\n"
                            "Exit code: 0 healthy, 1 a problem was found, 2 could not tell, 64 wrong usage.");
    static Options options;
    command->add_option("--config", options.config, "medic.yaml: what to look at; with --file: whose it is (owners)");
    command->add_option("--policy", options.policy, "policy.yaml: says what would have happened by itself");
    command->add_option("--kafka", options.addresses.kafka, "Kafka broker, host:port")->delimiter(',');
    command->add_option("--flink", options.addresses.flink, "Flink REST address")->delimiter(',');
    command->add_option("--connect", options.addresses.connect, "Kafka Connect REST address")->delimiter(',');
    command->add_option("--prometheus", options.addresses.prometheus, "Prometheus server");
    command->add_option("--access", options.addresses.access, access_help);
    command->add_option("--file", options.file, "A log or stack trace instead of a cluster; - for standard input");
    command->add_option("--rules", options.rules, "Folder of rules instead of those in the program");
    command->add_option("--for", options.seconds, "How long to look, in seconds")
        ->check(CLI::Range(1.0, 3600.0))
        ->capture_default_str();
    command->add_option("-o,--output", options.output, "text, wide, json or yaml")
        ->check(CLI::IsMember({"text", "wide", "json", "yaml"}));
    command->callback([&context] { context.exit_code = diagnose(options); });
}

}  // namespace medic::cli
