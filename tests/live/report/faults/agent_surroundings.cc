// Look-alikes in which nothing is wrong but what the agent sees: its network, its clock, its
// Prometheus, the certificates that it trusts.
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "agent/world/real/clock.h"
#include "engine/common/files.h"
#include "engine/common/rest_internal.h"
#include "tests/live/login_listener.h"
#include "tests/live/report/fault.h"
#include "tests/live/tool.h"

namespace medic::live {
namespace {

using engine::ProcessId;
using engine::drill::AgentSurroundings;

constexpr Duration stop_grace{20'000};

// The platform's medic.yaml with one part put in another one's place.
Status write_configuration(const Site& site, const std::string& name, const std::string& from, const std::string& to,
                           const std::string& part) {
    MEDIC_TRY(const auto plain, engine::read_file_if_there(site.data_dir() + "/medic.yaml"));
    if (!plain) return fail(ErrorCode::unavailable, "{}/medic.yaml is missing", site.data_dir());
    const auto begin = plain->find(from), end = plain->find(to);
    if (begin == std::string::npos || end == std::string::npos || end < begin)
        return fail(ErrorCode::internal, "medic.yaml has no {} before {}", from, to);
    std::string text = *plain;
    text.replace(begin, end - begin, part);
    return engine::write_file_whole(site.data_dir() + "/" + name, text);
}

// --- its network ---

constexpr int agents_group = 29'871;  // Nobody else runs under it: the filter knows the agent by it.
constexpr const char* nft = "/usr/sbin/nft";
constexpr const char* filter = "medic_live_cut";
constexpr auto cut_time = std::chrono::seconds(40);

Result<AgentSurroundings> in_a_group_of_its_own(Site&) {
    return AgentSurroundings{.wrapper = {"/usr/bin/setpriv", fmt::format("--regid={}", agents_group), "--keep-groups"},
                             .environment = {}};
}

// Also where there is none, so that one that was left behind goes.
Status open_network(Site& site) {
    return run_tool(site.data_dir(), {nft, fmt::format("table inet {0} {{}}; delete table inet {0}", filter)},
                    "nftables");
}

// Whatever the agent sends is dropped, but for the answers of its API: nobody answers it, and nothing refuses it.
Status cut_network(Site& site, const ProcessId&) {
    const std::string rules = fmt::format(
        "table inet {} {{ chain out {{ type filter hook output priority 0; meta skgid {} tcp sport != {} drop; }}; }}",
        filter, agents_group, site.plan().agent_port);
    MEDIC_CHECK(open_network(site));
    MEDIC_CHECK(run_tool(site.data_dir(), {nft, rules}, "nftables"));
    std::this_thread::sleep_for(cut_time);
    return open_network(site);
}

// --- its clock ---

constexpr auto step_time = std::chrono::seconds(45);

std::string clock_file(const Site& site) { return site.data_dir() + "/agent-clock"; }

Result<AgentSurroundings> with_a_clock_of_its_own(Site& site) {
    MEDIC_CHECK(engine::write_file_whole(clock_file(site), "+0s\n"));
    for (const auto& folder : std::filesystem::directory_iterator("/usr/lib")) {
        const std::string library = folder.path().string() + "/faketime/libfaketime.so.1";
        if (!std::filesystem::exists(library)) continue;
        return AgentSurroundings{.wrapper = {},
                                 .environment = {"LD_PRELOAD=" + library, "FAKETIME_TIMESTAMP_FILE=" + clock_file(site),
                                                 "FAKETIME_CACHE_DURATION=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"}};
    }
    return fail(ErrorCode::unavailable, "libfaketime is missing: install the Debian package faketime");
}

Status step_clock(Site& site, const ProcessId&) {
    MEDIC_CHECK(engine::write_file_whole(clock_file(site), "+3600s\n"));
    std::this_thread::sleep_for(step_time);
    return engine::write_file_whole(clock_file(site), "+0s\n");
}

// --- its Prometheus ---

constexpr const char* prometheus = "/usr/bin/prometheus";
constexpr auto stale_time = std::chrono::seconds(60);
constexpr Duration prometheus_patience{30'000};

struct Prometheus {
    ProcessId process;
    std::uint16_t port = 0;
};

std::string scrape_configuration(const Site& site) {
    std::string text = "global: {scrape_interval: 5s}\nscrape_configs:\n";
    for (const auto& process : site.plan().processes) {
        const auto port = process.ports.find("metrics");
        if (port == process.ports.end()) continue;
        text += fmt::format(
            "  - {{job_name: {0}, static_configs: [{{targets: [\"127.0.0.1:{1}\"], labels: {{cluster: "
            "live, node: {0}}}}}]}}\n",
            process.name, port->second);
    }
    return text;
}

Status start_prometheus(const Site& site, Prometheus& server, const std::string& configuration) {
    const std::string folder = site.data_dir() + "/prometheus";
    std::error_code ignored;
    std::filesystem::create_directories(folder, ignored);
    MEDIC_CHECK(engine::write_file_whole(folder + "/prometheus.yml", configuration));
    if (!std::filesystem::exists(prometheus))
        return fail(ErrorCode::unavailable, "{} is missing: install the Debian package prometheus", prometheus);
    MEDIC_TRY(server.process, engine::spawn({.argv = {prometheus, "--config.file=" + folder + "/prometheus.yml",
                                                      "--storage.tsdb.path=" + folder + "/data",
                                                      fmt::format("--web.listen-address=127.0.0.1:{}", server.port)},
                                             .log_file = site.data_dir() + "/logs/prometheus.log"}));
    const Instant deadline = read_clock().monotonic + prometheus_patience;
    while (read_clock().monotonic < deadline) {
        const auto ready = engine::call_json(
            {.url = fmt::format("http://127.0.0.1:{}/api/v1/query?query=up", server.port), .timeout = Duration(1'000)});
        if (ready) return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    return fail(ErrorCode::unavailable, "Prometheus does not answer: see {}/logs/prometheus.log", site.data_dir());
}

// It answers as before, but scrapes nothing any more: as after a slip in its configuration and a restart.
Status stop_scraping(Site& site, Prometheus& server) {
    engine::terminate(server.process, stop_grace);
    MEDIC_CHECK(start_prometheus(site, server, "scrape_configs: []\n"));
    std::this_thread::sleep_for(stale_time);
    engine::terminate(server.process, stop_grace);
    return start_prometheus(site, server, scrape_configuration(site));
}

FalseFriend stale_prometheus() {
    const auto server = std::make_shared<Prometheus>();
    return {.name = "stale-prometheus",
            .told = "the Prometheus that the agent asks scrapes nothing for a minute",
            .inject = [server](Site& site, const ProcessId&) { return stop_scraping(site, *server); },
            .clear = [server](Site&) -> Status {
                engine::terminate(server->process, stop_grace);
                return {};
            },
            .calm = Duration(45'000),
            .surround = [server](Site& site) -> Result<AgentSurroundings> {
                MEDIC_TRY(server->port, engine::lasting_port());
                MEDIC_CHECK(start_prometheus(site, *server, scrape_configuration(site)));
                const std::string name = "medic-prometheus.yaml";
                MEDIC_CHECK(write_configuration(
                    site, name, "    metrics:\n", "    nodes:\n",
                    fmt::format("    prometheus: {{url: \"http://127.0.0.1:{}\", match: '{{cluster=\"live\"}}'}}\n",
                                server->port)));
                return AgentSurroundings{.wrapper = {}, .environment = {}, .configuration = name};
            }};
}

// --- the certificates that it trusts ---

Result<AgentSurroundings> through_the_login_listener(Site& site) {
    const std::string name = "medic-login.yaml";
    const KafkaSecurity security = login_security(site.data_dir());
    MEDIC_CHECK(write_configuration(
        site, name, "    kafka:", "    connect:",
        fmt::format("    kafka: {{bootstrap: [\"{}\"], tls: {{ca: {}}}, sasl: {{mechanism: {}, token_file: {}}}}}\n",
                    fmt::join(login_bootstrap(site.plan()), "\", \""), security.tls->ca, security.sasl->mechanism,
                    security.sasl->token.file)));
    return AgentSurroundings{.wrapper = {}, .environment = {}, .configuration = name};
}

}  // namespace

std::vector<FalseFriend> friends_around_agent() {
    return {
        {.name = "agent-cut-off",
         .told = "nothing answers the agent for forty seconds: its own network is cut",
         .inject = cut_network,
         .clear = {},
         .calm = Duration(45'000),
         .surround = in_a_group_of_its_own},
        {.name = "clock-step",
         .told = "the clock of the agent's machine goes an hour ahead, and back after 45 seconds",
         .inject = step_clock,
         .clear = {},
         .calm = Duration(75'000),
         .surround = with_a_clock_of_its_own},
        stale_prometheus(),
        {.name = "certificates-rotated",
         .told = "another authority issues the brokers' certificates anew",
         .inject = [](Site& site, const ProcessId&) { return rotate_certificates(site.plan()); },
         .clear = {},
         .calm = Duration(60'000),
         .surround = through_the_login_listener},
    };
}

}  // namespace medic::live
