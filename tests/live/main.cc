// medic-live: the real products (Kafka, Connect, Flink) on this machine, for trials and for the live tests.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <span>

#include "engine/common/options_internal.h"
#include "engine/common/process.h"
#include "engine/common/signals.h"
#include "engine/lab/lab.h"
#include "tests/live/nodes.h"
#include "tests/live/platform.h"
#include "tests/live/report/healthy.h"
#include "tests/live/report/report.h"
#include "tests/live/workload.h"

namespace medic::live {
namespace {

int print_outcome(const Status& status) {
    if (status) return 0;
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
    return status.error().code == ErrorCode::invalid ? 64 : 1;
}

std::string default_data_dir() {
    const char* home = std::getenv("HOME");
    return std::string(home != nullptr ? home : "/tmp") + "/.local/share/streammedic/live";
}

Status run_up(LiveOptions options, const std::string& pair) {
    options.program = engine::own_executable();
    MEDIC_TRY(options.pair, find_pair(pair));
    MEDIC_CHECK(up(options, [](const std::string& line) {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    }));
    const char* dir = options.data_dir.c_str();
    std::printf(
        "up in %s\n  look at it:  medic diagnose --config %s/medic.yaml\n  watch it:    medic agent --config "
        "%s/medic.yaml\n  end it:      make live-down\n",
        dir, dir, dir);
    return {};
}

Status run_status(const std::string& data_dir) {
    MEDIC_TRY(const auto state, engine::lab::load_state(data_dir));
    std::fputs(engine::lab::render_status(state).c_str(), stdout);
    return {};
}

Status run_submit(const std::string& data_dir) {
    MEDIC_TRY(const std::string job, submit_job(data_dir));
    std::printf("%s\n", job.c_str());
    return {};
}

void add_platform(CLI::App& app, LiveOptions& options, Status& status) {
    static std::string pair = "3.9.1+1.20.1", fault, turn;
    static bool keep = false;
    auto* up_command = app.add_subcommand("up", "Fetch, compile, start, and wait until records flow");
    up_command->add_option("--pair", pair, "Kafka+Flink: 3.9.1+1.20.1, 4.1.0+2.0.0 or 3.6.2+1.17.2")
        ->capture_default_str();
    up_command->add_option("--workers", options.connect_workers, "Connect workers")->check(CLI::Range(1, 2));
    up_command->add_flag("--application", options.application_cluster, "One more Flink cluster in application mode");
    up_command->add_flag("--small-disk", options.small_disk,
                         "The last broker's log directory on a file system of its own (needs root)");
    up_command->add_flag("--tuned", options.tuned, "Shorter time-outs than the defaults (docs/real-clusters.md)");
    up_command->add_flag("--adaptive", options.adaptive, "Flink's adaptive scheduler");
    up_command->add_option("--rate", options.records_per_second, "Orders a second")->capture_default_str();
    up_command->callback([&] { status = run_up(options, pair); });
    auto* down_command = app.add_subcommand("down", "Stop everything and remove its files");
    down_command->add_flag("--keep", keep, "Keep the files");
    down_command->callback([&] { status = down(options.data_dir, keep); });
    app.add_subcommand("status", "Show the processes")->callback([&] { status = run_status(options.data_dir); });
    app.add_subcommand("submit", "Submit the job anew")->callback([&] { status = run_submit(options.data_dir); });
    auto* fault_command = app.add_subcommand("fault", "Switch a fault of the job or connector on or off");
    fault_command->add_option("name", fault, "Its name")->required();
    fault_command->add_option("turn", turn, "on or off")->check(CLI::IsMember({"on", "off"}))->required();
    fault_command->callback([&] { status = set_fault(options.data_dir, fault, turn == "on"); });
}

void add_report(CLI::App& app, const LiveOptions& options, Status& status) {
    static ReportOptions report;
    static std::string pair = "3.9.1+1.20.1", without = "keep";
    static bool list = false, tuned = false;
    auto* command = app.add_subcommand(
        "report", "Faults one by one, with the agent and without it: a table of what became of them");
    command->add_option("names", report.names, "Faults, or false friends; all by default");
    command->add_option("--pair", pair, "Kafka+Flink; a platform of others is started anew")->capture_default_str();
    command->add_flag("--tuned", tuned, "On a platform with shorter time-outs than the defaults: rows of their own");
    command->add_flag("--false-friends", report.false_friends, "Look-alikes, at which the agent must not act");
    command->add_flag("--resume", report.resume, "Keep what the file holds already and was as it must be");
    command->add_option("--repeat", report.repeat, "How often each is made with the agent")->check(CLI::Range(1, 20));
    command->add_option("--without-agent", without, "The arm without it: keep a measured one, run it anew, or skip it")
        ->capture_default_str()
        ->check(CLI::IsMember({"keep", "run", "skip"}));
    command->add_option("--file", report.file, "Results")->capture_default_str();
    command->add_option("--page", report.page, "The table as Markdown; none by default");
    command->add_flag("--list", list, "Only show which there are");
    command->callback([&] {
        if (list) {
            std::fputs(list_faults().c_str(), stdout);
            return;
        }
        report.platform = options;
        report.platform.tuned = tuned;
        report.platform.small_disk = geteuid() == 0;  // The rest can be made without it.
        report.platform.program = engine::own_executable();
        report.agent_program =
            std::filesystem::path(report.platform.program).parent_path().parent_path().parent_path() / "medic";
        report.without = without == "keep"  ? WithoutAgent::keep
                         : without == "run" ? WithoutAgent::run
                                            : WithoutAgent::skip;
        auto found = find_pair(pair);
        if (found) report.platform.pair = *found;
        status = found ? run_report(report) : Status(std::unexpected(found.error()));
    });
}

void add_healthy(CLI::App& app, const LiveOptions& options, Status& status) {
    static HealthyOptions healthy;
    static std::string pair = "3.9.1+1.20.1";
    static int minutes = 30;
    auto* command = app.add_subcommand(
        "healthy", "Planned work by hand while the agent watches: nobody may be blamed, the work must be recognised");
    command->add_option("--minutes", minutes, "Of all; the works are spread over it")
        ->capture_default_str()
        ->check(CLI::Range(5, 24 * 60));
    command->add_option("--pair", pair, "Kafka+Flink, where no platform runs yet")->capture_default_str();
    command->add_option("--traces", healthy.traces, "A folder for the agent's log and incidents");
    command->callback([&] {
        healthy.platform = options;
        healthy.platform.program = engine::own_executable();
        healthy.agent_program =
            std::filesystem::path(healthy.platform.program).parent_path().parent_path().parent_path() / "medic";
        healthy.duration = Duration(std::int64_t{minutes} * 60'000);
        auto found = find_pair(pair);
        if (found) healthy.platform.pair = *found;
        status = found ? run_healthy(healthy) : Status(std::unexpected(found.error()));
    });
}

void add_parts(CLI::App& app, LiveOptions& options, Status& status) {
    static NodeCall node;
    static WorkloadOptions workload;
    auto* node_command = app.add_subcommand("node", "The agent's driver for a process");
    node_command->add_option("action", node.action, "status, start, start-spare, stop, kill, freeze or thaw")
        ->required();
    node_command->add_option("--node", node.node, "Its name")->required();
    node_command->callback([&] {
        node.data_dir = options.data_dir;
        status = call_node(node);
    });
    auto* workload_command = app.add_subcommand("workload", "Produce orders and inventory lines until SIGTERM");
    workload_command->add_option("--bootstrap", workload.bootstrap, "host:port")->delimiter(',')->required();
    workload_command->add_option("--rate", workload.records_per_second, "Orders a second");
    workload_command->add_option("--file", workload.file, "Where inventory lines go")->required();
    workload_command->callback([&] { status = run_workload(workload); });
}

int run(std::span<char*> args) {
    CLI::App app("Starts and stops real Kafka, Kafka Connect and Flink on this machine", "medic-live");
    app.require_subcommand(1);
    app.fallthrough();
    LiveOptions options;
    options.data_dir = default_data_dir();
    Status status;
    app.add_option("--data", options.data_dir, "Folder of all its files")
        ->capture_default_str()
        ->each([&](const std::string& given) {
            options.data_dir = std::filesystem::absolute(given).lexically_normal().string();
        });
    add_platform(app, options, status);
    add_report(app, options, status);
    add_healthy(app, options, status);
    add_parts(app, options, status);
    if (const auto exit_code = engine::parse_options(app, args)) return *exit_code;
    return print_outcome(status);
}

}  // namespace
}  // namespace medic::live

int main(int argc, char** argv) {
    medic::engine::prepare_signals();
    return medic::live::run(std::span(argv, static_cast<std::size_t>(argc)));
}
