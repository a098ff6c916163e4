#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

#include "agent/api/incident_view.h"
#include "agent/backtest/backtest.h"
#include "agent/base/yaml.h"
#include "agent/cli/addresses.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/input.h"
#include "agent/cli/outside_real.h"
#include "agent/cli/progress.h"
#include "agent/cli/terminal.h"
#include "agent/daemon/doors.h"
#include "agent/world/real/clock.h"

namespace medic::cli {
namespace {

// Prometheus's own time-out of a query is two minutes.
constexpr Duration query_timeout{120'000};
constexpr std::size_t answer_bytes_max = 256 * 1024 * 1024;

struct Options {
    Addresses addresses{.name = "here"};
    std::string config, policy, rules, match = "{}", since = "30d", until, step = "30s", alerts, output = "text";
};

// medic.yaml's clusters with their own Prometheus, or with the one that is given here.
Result<Config> config_for(const Options& options) {
    if (options.config.empty() && options.addresses.prometheus.empty())
        return fail(ErrorCode::invalid, "backtest: give --prometheus URL, or --config with clusters that name theirs");
    Config given;
    if (!options.addresses.prometheus.empty()) {
        MEDIC_TRY(given, config_of(options.addresses));
        given.clusters[0].prometheus.match = options.match;
    }
    if (options.config.empty()) return given;
    MEDIC_TRY(Config config, load_cluster_config(options.config));
    if (given.clusters.empty()) return config;
    const ClusterConfig& one = given.clusters[0];
    for (ClusterConfig& cluster : config.clusters) {
        if (config.clusters.size() > 1 && cluster.prometheus.match.empty())
            return fail(ErrorCode::invalid,
                        "{}: {}: whose series are whose? give each cluster prometheus: {{match: '{{cluster=\"…\"}}'}}",
                        options.config, cluster.name);
        cluster.prometheus.url = one.prometheus.url;
        if (options.match != "{}" || cluster.prometheus.match.empty()) cluster.prometheus.match = options.match;
        for (const auto& [url, access] : one.http) cluster.http[url] = access;
    }
    return config;
}

Result<backtest::Options> read(const Options& options) {
    backtest::Options made;
    MEDIC_TRY(made.config, config_for(options));
    if (!options.policy.empty()) {
        MEDIC_TRY(made.policy, load_policy_file(options.policy));
    }
    made.rules_directory = options.rules;
    MEDIC_TRY(made.step, parse_duration(options.step));
    MEDIC_TRY(const Duration since, parse_duration(options.since));
    made.to = read_clock().wall;
    if (!options.until.empty()) {
        const auto until = read_rfc3339(options.until);
        if (!until)
            return fail(ErrorCode::invalid, "--until {}: expected a time such as 2026-11-03T12:00:00Z", options.until);
        if (*until > made.to)
            return fail(ErrorCode::invalid, "--until {}: is still to come; nothing of it is recorded", options.until);
        made.to = *until;
    }
    const std::int64_t step_ms = std::max<std::int64_t>(made.step.count(), 1);
    made.to.unix_ms -= made.to.unix_ms % step_ms;
    made.from = made.to - since;
    made.from.unix_ms -= made.from.unix_ms % step_ms;
    if (options.alerts.empty()) return made;
    MEDIC_TRY(const std::string text, read_file(options.alerts));
    auto alerts = backtest::read_alerts(text);
    if (!alerts) return wrap(std::move(alerts).error(), options.alerts);
    made.alerts = *std::move(alerts);
    return made;
}

int exit_of(const backtest::Outcome& outcome) {
    switch (outcome.verdict()) {
        case backtest::Outcome::Verdict::quiet: return exit_ok;
        case backtest::Outcome::Verdict::problem: return exit_problem;
        case backtest::Outcome::Verdict::cannot_tell: break;
    }
    return exit_cannot_tell;
}

int backtest_history(const Options& options) {
    const auto made = read(options);
    if (!made) return complain(made.error().message, exit_usage);
    if (const Status good = backtest::check(*made); !good) return complain(good.error().message, exit_usage);
    const auto outside = make_outside(access_of(made->config));
    const auto get = [&](const std::string& cluster, const std::string& url) -> Result<HttpAnswer> {
        auto got = outside->get(
            {{.url = url, .cluster = cluster, .timeout = query_timeout, .body_bytes_max = answer_bytes_max}});
        return std::move(got.front().answer);
    };
    const Instant began = read_clock().monotonic;
    const auto outcome = backtest::run(*made, get, [](const backtest::Progress& now) {
        progress(fmt::format("{} ({:.0f} %), {} incidents open", rfc3339(now.at), now.share * 100, now.incidents));
    });
    progress("");
    if (!outcome) return complain(outcome.error().message, exit_cannot_tell);
    print_as(options.output, options.output == "json" ? json_of(*outcome) : text_of(*outcome));
    const double took_s = std::max(1.0, static_cast<double>((read_clock().monotonic - began).count())) / 1'000;
    const double hours = static_cast<double>((outcome->to - outcome->from).count()) / 3'600'000;
    fmt::print(stderr, "medic: {:.1f} h of history in {:.1f} s ({:.1f} h/s), {} queries\n", hours, took_s,
               hours / took_s, outcome->queries);
    return exit_of(*outcome);
}

}  // namespace

void add_backtest(CLI::App& app, Context& context) {
    CLI::App* command =
        add(app, author, "backtest",
            "What the agent would have found and proposed in the history that a Prometheus keeps; nothing is sent",
            "  medic backtest --prometheus http://prometheus:9090 --since 7d\n"
            "  medic backtest --config medic.yaml --policy policy.yaml --since 30d --alerts pages.json\n"
            "  medic backtest --prometheus http://vm:8428 --match '{cluster=\"prod\"}' --since 1d --until "
            "2026-11-03T12:00:00Z -o json\n"
            "Exit code: 0 no incident and somebody looked all the time, 1 incidents, 2 can't tell (no answer, gaps, "
            "nothing "
            "recorded), 64 wrong usage.");
    static Options options;
    options = {};
    command->add_option("--prometheus", options.addresses.prometheus,
                        "Its query API: Prometheus, VictoriaMetrics or Thanos (default: as --config has it)");
    command->add_option("--since", options.since, "How far back: 6h, 7d, 4w")->capture_default_str();
    command->add_option("--until", options.until, "Where it ends: 2026-11-03T12:00:00Z (default: now)");
    command->add_option("--step", options.step, "Between two looks; not less than the scrape interval")
        ->capture_default_str();
    command->add_option("--alerts", options.alerts,
                        "What people saw, to compare with: a JSON list of alerts with start, end and labels");
    command->add_option("--config", options.config, "medic.yaml: nodes, drivers and owners of what was recorded");
    command->add_option("--policy", options.policy, "policy.yaml: what would have been allowed");
    command->add_option("--rules", options.rules, "Folder of rules instead of the built-in ones");
    command->add_option("--match", options.match, "Selector of the cluster's series: {cluster=\"prod\"}");
    command->add_option("--name", options.addresses.name, "What the cluster is called, without --config")
        ->capture_default_str();
    command->add_option("--access", options.addresses.access, access_help);
    command->add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
    command->callback([&context] { context.exit_code = backtest_history(options); });
}

}  // namespace medic::cli
