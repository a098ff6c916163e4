// What a fleet costs the agent that watches it: resident memory, CPU, and how late each kind of target is looked at.
// The fleet runs in a process of its own, so that only the agent is measured.
//
//   fleet_bench [--clusters=40] [--flinks=300] [--warm=60] [--seconds=60] [--trouble=0] [--intervals="flink: 5s"]
//
// --trouble=N: N of a hundred endpoints are dead, hang, stop half-way or are slow, in turn.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <thread>

#include "agent/daemon/agent.h"
#include "agent/world/real/http_client.h"
#include "agent/world/real/worker.h"
#include "tests/fleet/fake_fleet.h"

namespace medic::fleet {
namespace {

struct Options {
    FleetSize size;
    int warm_s = 60, seconds = 60, trouble = 0;
    std::string intervals;
};

Options options_of(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        const auto sign = argument.find('=');
        const std::string key = argument.substr(0, sign);
        const std::string value = sign == std::string::npos ? "" : argument.substr(sign + 1);
        if (key == "--clusters")
            options.size.clusters = std::atoi(value.c_str());
        else if (key == "--flinks")
            options.size.flinks = std::atoi(value.c_str());
        else if (key == "--warm")
            options.warm_s = std::atoi(value.c_str());
        else if (key == "--seconds")
            options.seconds = std::atoi(value.c_str());
        else if (key == "--trouble")
            options.trouble = std::atoi(value.c_str());
        else if (key == "--intervals")
            options.intervals = value;
        else {
            fmt::print(stderr, "unknown argument {}\n", argument);
            std::exit(64);
        }
    }
    return options;
}

Manner manner_of(const Options& options, Kind kind, int index) {
    constexpr Manner troubles[] = {Manner::dead, Manner::hangs, Manner::half, Manner::slow};
    if (options.trouble == 0) return Manner::answers;
    const int every = std::max(1, 100 / options.trouble);
    if (index % every != every - 1) return Manner::answers;
    return troubles[(index / every + static_cast<int>(kind)) % 4];
}

constexpr std::pair<Kind, const char*> kinds[] = {
    {Kind::flink, "flink"}, {Kind::connect, "connect"}, {Kind::kafka, "kafka"}};

// The fleet's process: first the clusters, then the looks of every healthy endpoint whenever a byte comes.
[[noreturn]] void serve(const Options& options, int in, int out) {
    const FakeFleet fleet(options.size, MEDIC_SOURCE_DIR "/agent/collectors/testdata",
                          [&](Kind kind, int index) { return manner_of(options, kind, index); });
    FILE* to = fdopen(out, "w");
    fmt::print(to, "{}\n.\n", fleet.clusters_yaml());
    (void)std::fflush(to);
    for (char byte = 0; read(in, &byte, 1) == 1;) {
        for (const auto& [kind, name] : kinds)
            for (int i = 0; i < fleet.count(kind); ++i)
                fmt::print(to, "{} {} {}\n", name, manner_of(options, kind, i) == Manner::answers ? "well" : "ill",
                           fleet.looks(kind, i));
        fmt::print(to, "requests all {}\n.\n", fleet.requests());
        (void)std::fflush(to);
    }
    std::_Exit(0);
}

std::string read_answer(FILE* from) {
    std::string text;
    char line[4096];
    while (std::fgets(line, sizeof line, from) != nullptr && std::string_view(line) != ".\n") text += line;
    return text;
}

double cpu_seconds() {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::map<std::string, std::vector<double>> looks_of(const std::string& text) {
    std::map<std::string, std::vector<double>> looks;
    std::size_t from = 0;
    while (from < text.size()) {
        const auto end = text.find('\n', from);
        const std::string line = text.substr(from, end - from);
        const auto space = line.rfind(' ');
        if (space != std::string::npos) looks[line.substr(0, space)].push_back(std::atof(line.c_str() + space));
        from = end + 1;
    }
    return looks;
}

void print_page(const std::string& page) {
    std::size_t from = 0;
    while (from < page.size()) {
        const auto end = std::min(page.find('\n', from), page.size());
        const std::string line = page.substr(from, end - from);
        if (!line.starts_with('#') && line.find("_bucket{") == std::string::npos) fmt::print("  {}\n", line);
        from = end + 1;
    }
}

int run(const Options& options) {
    int down[2], up[2];
    if (pipe(down) != 0 || pipe(up) != 0) return 1;
    raise_descriptor_limit();
    const pid_t child = fork();
    if (child == 0) {
        close(down[1]);
        serve(options, down[0], up[1]);
    }
    close(up[1]);
    FILE* from = fdopen(up[0], "r");
    trim_allocator();
    const std::string folder = std::filesystem::temp_directory_path() / fmt::format("fleet_bench.{}", getpid());
    std::string text = fmt::format("schema: 1\ndata_dir: {}\napi: {{listen: \"127.0.0.1:0\"}}\n", folder);
    if (!options.intervals.empty()) text += "intervals: {" + options.intervals + "}\n";
    text += read_answer(from);
    auto config = load_config(text, "fleet.yaml");
    if (!config) {
        fmt::print(stderr, "{}\n", config.error().message);
        return 1;
    }
    auto agent = Agent::start(
        {.config = *std::move(config), .policy = {}, .rules_directory = {}, .say = [](const std::string& line) {
             fmt::print("agent: {}\n", line);
         }});
    if (!agent) {
        fmt::print(stderr, "{}\n", agent.error().message);
        return 1;
    }
    std::this_thread::sleep_for(std::chrono::seconds(options.warm_s));
    const auto ask = [&] {
        (void)!write(down[1], "?", 1);
        return looks_of(read_answer(from));
    };
    const auto before = ask();
    const double cpu = cpu_seconds();
    const auto began = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::seconds(options.seconds));
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const double used = cpu_seconds() - cpu;
    const auto after = ask();
    fmt::print("cpu {:.1f} % of one core over {:.0f} s\n", 100 * used / wall, wall);
    for (const auto& [what, counts] : after) {
        const auto& old = before.at(what);
        std::vector<double> rates;
        double sum = 0;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            rates.push_back((counts[i] - old[i]) / wall);
            sum += rates.back();
        }
        std::ranges::sort(rates);
        fmt::print("{:14} {:5} endpoints, looks/s each: min {:.3f} median {:.3f} max {:.3f}, all {:.1f}\n", what,
                   rates.size(), rates.front(), rates[rates.size() / 2], rates.back(), sum);
    }
    HttpClient client;
    if (const auto page =
            client.perform({.method = "GET", .url = fmt::format("http://127.0.0.1:{}/metrics", (*agent)->port())}))
        print_page(page->body);
    (*agent)->stop();
    close(down[1]);
    waitpid(child, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    return 0;
}

}  // namespace
}  // namespace medic::fleet

int main(int argc, char** argv) { return medic::fleet::run(medic::fleet::options_of(argc, argv)); }
