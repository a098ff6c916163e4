// `medic-ranking-record NAME…`: does a fault to an embedded platform and writes what the agent's own collectors told of
// it. Nothing acts: the episode takes its natural course.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "agent/daemon/doors.h"
#include "agent/daemon/watcher.h"
#include "agent/world/real/clock.h"
#include "tests/ranking/record/faults.h"

namespace medic::ranking_test {
namespace {

namespace fs = std::filesystem;

// The lab looks at everything every half second; an agent of a real platform does not, and the files stay small.
constexpr std::pair<const char*, const char*> slower[] = {
    {"flink: 500ms", "flink: 1s"}, {"connect: 500ms", "connect: 1s"},   {"process: 500ms", "process: 1s"},
    {"kafka: 1s", "kafka: 2s"},    {"evaluate: 500ms", "evaluate: 1s"}, {"interval: 1s}", "interval: 2s}"}};

Result<std::string> config_of(const std::string& data_dir) {
    std::ifstream in(data_dir + "/medic.yaml");
    std::stringstream text;
    text << in.rdbuf();
    std::string config = text.str();
    if (config.empty()) return fail(ErrorCode::unavailable, "{}/medic.yaml: nothing there", data_dir);
    for (const auto& [from, to] : slower)
        for (std::size_t at = config.find(from); at != std::string::npos; at = config.find(from, at + 1))
            config.replace(at, std::string_view(from).size(), to);
    return config;
}

// Collectors as an agent runs them, and an ear at what they say.
class Recorder {
public:
    Recorder(const Config& config, Episode& episode)
        : fetcher_(reactor_, {.access = access_of(config)}),
          knowledge_(config),
          watcher_({config, reactor_, fetcher_, ingest_, knowledge_}) {
        knowledge_.listen([&](const Observation& told) { episode.add(read_clock().wall, told); });
        watcher_.prepare();
        for (const auto& [target, cluster, interval] : knowledge_.expected())
            episode.targets[target] = {cluster, interval};
        watcher_.start();
        (void)io_.post([this] { reactor_.run(); });
    }
    ~Recorder() { stop(); }
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;
    void stop() {
        reactor_.stop();
        io_.stop();
        watcher_.stop();
        ingest_.stop();
    }

private:
    Reactor reactor_;
    HttpFetcher fetcher_;
    Knowledge knowledge_;
    Worker ingest_{"ingest", 8'192};
    Watcher watcher_;
    Worker io_{"io", 1};
};

// Running, and with checkpoints behind it.
Status settle(const engine::drill::Platform& lab) {
    constexpr auto patience = std::chrono::seconds(60);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        const auto job = lab.job();
        if (!job || job->state != "RUNNING") continue;
        if (const auto done = lab.completed_checkpoints(job->id); done && *done >= 3) return {};
    }
    return fail(ErrorCode::unavailable, "the job does not settle");
}

Status record(const Fault& fault, const std::string& program, const std::string& folder) {
    char work[] = "/tmp/medic-episode-XXXXXX";
    if (::mkdtemp(work) == nullptr) return fail(ErrorCode::unavailable, "no temporary folder");
    engine::lab::LabOptions options{.data_dir = work, .program = program};
    MEDIC_TRY(options.profile, engine::lab::find_profile("default"));
    options.log_dir_capacity_bytes = 384LL << 20;
    options.slots = fault.shape.slots;
    options.workload.job_parallelism = fault.shape.job_parallelism;
    MEDIC_TRY(const auto lab, engine::drill::Platform::up(options, engine::lab::Leave::nothing, [](const auto&) {}));
    MEDIC_CHECK(settle(*lab));
    Episode episode;
    episode.name = fault.name;
    episode.fault = fault.text;
    episode.masking = fault.masking;
    MEDIC_TRY(episode.config, config_of(work));
    MEDIC_TRY(const Config config, load_config(episode.config, "medic.yaml"));
    Stage stage{*lab, {}};
    {
        Recorder recorder(config, episode);
        std::this_thread::sleep_for(fault.before);
        episode.fault_at = read_clock().wall;
        MEDIC_TRY(episode.truths, fault.inject(stage));
        std::this_thread::sleep_for(fault.after);
        recorder.stop();
        stage.held.clear();
    }
    const std::string path = fmt::format("{}/{}.episode", folder, fault.name);
    const std::string build = fs::path(program).parent_path().string();
    MEDIC_CHECK(write_episode(path, episode,
                              {{work, "/var/lib/lab"},
                               {build, "/opt/streammedic"},
                               {fs::path(build).parent_path().string(), "/usr/src/streammedic"}}));
    std::printf("%s: %zu looks, %ju bytes\n", path.c_str(), episode.looks.size(),
                static_cast<std::uintmax_t>(fs::file_size(path)));
    std::fflush(stdout);
    return {};
}

int run(int argc, char** argv) {
    std::vector<std::string> names;
    std::string folder = "tests/ranking/episodes";
    CLI::App app("Records episodes of real faults on the embedded platform, a minute or two each",
                 "medic-ranking-record");
    app.add_option("names", names, "Faults; all by default");
    app.add_option("--output", folder, "Folder of the episodes")->capture_default_str();
    app.footer("Examples:\n  build/medic-ranking-record taskmanager-lost broker-slow\n  build/medic-ranking-record");
    CLI11_PARSE(app, argc, argv);
    const std::string program = (fs::read_symlink("/proc/self/exe").parent_path() / "medic-engine").string();
    int failed = 0;
    for (const Fault& fault : all_faults()) {
        if (!names.empty() && std::ranges::find(names, fault.name) == names.end()) continue;
        if (const Status status = record(fault, program, folder); !status) {
            std::fprintf(stderr, "%s: %s\n", fault.name.c_str(), status.error().message.c_str());
            ++failed;
        }
    }
    return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace medic::ranking_test

int main(int argc, char** argv) { return medic::ranking_test::run(argc, argv); }
