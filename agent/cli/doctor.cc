#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/cli/addresses.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/doctor_text.h"
#include "agent/cli/outside_real.h"
#include "agent/cli/progress.h"
#include "agent/cli/terminal.h"
#include "agent/daemon/doors.h"
#include "agent/doctor/exporter.h"
#include "agent/doctor/local.h"
#include "agent/world/real/clock.h"

namespace medic::cli {
namespace {

struct Options {
    Addresses addresses;
    std::string config, output = "text", print, principal;
};

std::string principal_of(const Options& options, const ClusterConfig& cluster) {
    if (!options.principal.empty()) return options.principal;
    return "User:" + (cluster.kafka.security.sasl ? cluster.kafka.security.sasl->username : std::string("streammedic"));
}

Result<Config> config_of(const Options& options) {
    if (!options.config.empty()) return load_config_file(options.config);
    Addresses addresses = options.addresses;
    if (addresses.empty())
        return fail(ErrorCode::invalid, "doctor: give --config FILE, or --kafka, --connect, --flink, --prometheus");
    if (addresses.name.empty()) addresses.name = "here";
    return config_of(addresses);
}

int print(const Exam& exam, const Options& options) {
    if (options.output == "json")
        fmt::print("{}", json_of(exam));
    else
        print_text(text_of(exam, options.output == "wide"));
    return exam.is_good() ? exit_ok : exit_problem;
}

int doctor(const Options& options) {
    if (!options.print.empty()) {
        const auto text = doctor::exporter_file(options.print);
        if (!text) return complain("doctor: --print " + text.error().message, exit_usage);
        fmt::print("{}", *text);
        return exit_ok;
    }
    const auto config = config_of(options);
    if (!config) return complain(config.error().message, exit_usage);
    // A sidecar asks nobody: there is only its own machine to look at.
    if (config->scope == Scope::node) return print({.machine = doctor::local(*config, read_clock().wall)}, options);
    const auto knowing = doctor::built_in_knowledge();
    if (!knowing) return complain(knowing.error().message, exit_problem);
    const auto outside = make_outside(access_of(*config));
    discovery::LookOptions how;
    how.progress = progress;
    Exam exam;
    if (!options.config.empty()) exam.machine = doctor::local(*config, outside->now().wall);
    for (const ClusterConfig& cluster : config->clusters) {
        const discovery::ClusterLook look = discovery::look_once(*outside, cluster, how);
        const std::string bootstrap = cluster.kafka.bootstrap.empty() ? "" : cluster.kafka.bootstrap.front();
        exam.clusters.push_back({.cluster = cluster.name,
                                 .calls = look.calls,
                                 .versions = doctor::versions(look),
                                 .pages = doctor::pages_and_clocks(look),
                                 .acls = doctor::acl_lines(look, bootstrap, principal_of(options, cluster)),
                                 .sight = doctor::sight_of(cluster, look, *knowing)});
    }
    progress("");
    const int good = print(exam, options);
    return exam.saw_nothing() ? exit_cannot_tell : good;
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
    CLI::App* command =
        add(app, run, "doctor",
            "Check what the agent can reach, and say what it can't see and which line mends it (reads only)",
            "  medic doctor --config medic.yaml\n"
            "  medic doctor --kafka broker1:9092 --flink http://jobmanager:8081 -o wide\n"
            "  medic doctor --print kafka-broker > jmx-exporter.yml\n"
            "Exit code: 0 nothing is wrong, 1 something is, 2 nothing answered, 64 wrong usage.");
    static Options options;
    options = {};
    CLI::Option* config = command->add_option("--config", options.config, "medic.yaml: what to check");
    exclude(config, add_addresses(*command, options.addresses));
    exclude(config,
            {command->add_option("--name", options.addresses.name, "Name of the cluster in what is printed (here)")});
    command->add_option("--principal", options.principal, "Kafka principal for the read-only ACLs (User:NAME)");
    command->add_option("--print", options.print,
                        "Print an exporter's file instead: kafka-broker, connect-worker or flink");
    command->add_option("-o,--output", options.output, "text, wide or json")
        ->check(CLI::IsMember({"text", "wide", "json"}));
    command->callback([&context] { context.exit_code = doctor(options); });
}

}  // namespace medic::cli
