// A storm of alerts at a running agent: webhooks of a hundred, as many as asked for a second, for a minute, on an
// embedded platform on which a task manager stands still and goes on again and again. Every alert that was answered
// with 200 must be in the journal, and once; prints what it cost. Needs medic and medic-engine beside it.
// Usage: alert_storm_bench [SECONDS [ALERTS_PER_SECOND]]
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "agent/sqlite/sqlite.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/http_client.h"
#include "engine/drill/agent_process.h"
#include "engine/drill/platform.h"

namespace medic {
namespace {

using engine::drill::AgentProcess;
using engine::drill::Platform;

constexpr int alerts_per_webhook = 100;
constexpr int episodes_per_webhook = 10;  // New ones; the rest is sent again unchanged, as Alertmanager does.
constexpr int steady_alerts = 5'000;
constexpr int flapping_alerts = 200;
constexpr int senders = 4;
constexpr int tries_max = 20;

std::string time_text(std::int64_t unix_ms) {
    const std::time_t seconds = unix_ms / 1'000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, unix_ms % 1'000);
}

struct Sent {
    std::mutex mutex;
    std::set<std::string> keys;  // "fingerprint|start|firing" of what was answered with 200.
    std::atomic<std::uint64_t> alerts{0}, webhooks{0}, refused{0}, given_up{0};
    std::vector<double> answered_ms;
};

struct Webhook {
    std::string body;
    std::vector<std::string> keys;
};

// The `number`th of the storm.
Webhook make_webhook(std::int64_t number, std::int64_t began_ms) {
    Webhook webhook;
    std::string alerts;
    const auto add = [&](const std::string& fingerprint, std::int64_t starts_ms, bool firing,
                         const std::string& label) {
        alerts +=
            fmt::format(R"({}{{"status":"{}","fingerprint":"{}","startsAt":"{}","endsAt":"{}","labels":{{)"
                        R"("alertname":"Storm","severity":"warning",{}}},"annotations":{{"summary":"a storm"}}}})",
                        alerts.empty() ? "" : ",", firing ? "firing" : "resolved", fingerprint, time_text(starts_ms),
                        time_text(starts_ms + 1), label);
        webhook.keys.push_back(fmt::format("{}|{}|{}", fingerprint, starts_ms, firing ? 1 : 0));
    };
    for (int i = 0; i < episodes_per_webhook; ++i) {
        const std::int64_t episode = number * episodes_per_webhook + i;
        // Fires, is resolved, fires anew: each time an episode of its own.
        add(fmt::format("flap-{}", episode / 2 % flapping_alerts), began_ms + episode / 2, episode % 2 == 0,
            fmt::format(R"("taskmanager":"tm-{}")", episode / 2 % 2 + 1));
    }
    for (int i = episodes_per_webhook; i < alerts_per_webhook; ++i) {
        const std::int64_t which = (number * alerts_per_webhook + i) % steady_alerts;
        add(fmt::format("steady-{}", which), began_ms - 60'000, true, fmt::format(R"("service":"other-{}")", which));
    }
    webhook.body = R"({"version":"4","status":"firing","alerts":[)" + alerts + "]}";
    return webhook;
}

struct Storm {
    std::string url, token;
    int seconds = 60, rate = 10'000;
};

// One of the Alertmanagers: a webhook that is not answered with 200 is sent again.
void send(const Storm& storm, int sender, std::int64_t began_ms, Sent& sent) {
    HttpClient client;
    const auto began = std::chrono::steady_clock::now();
    const double webhooks_per_second = static_cast<double>(storm.rate) / alerts_per_webhook;
    const auto all = static_cast<std::int64_t>(webhooks_per_second * storm.seconds);
    for (std::int64_t number = sender; number < all; number += senders) {
        std::this_thread::sleep_until(began + std::chrono::microseconds(static_cast<std::int64_t>(
                                                  1e6 * static_cast<double>(number) / webhooks_per_second)));
        Webhook webhook = make_webhook(number, began_ms);
        bool taken = false;
        const auto asked = std::chrono::steady_clock::now();
        for (int i = 0; i < tries_max && !taken; ++i) {
            const auto reply = client.perform(
                {.method = "POST",
                 .url = storm.url,
                 .headers = {{"Authorization", "Bearer " + storm.token}, {"Content-Type", "application/json"}},
                 .body = webhook.body});
            taken = reply && reply->status == 200;
            if (!taken) ++sent.refused, std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
        const std::lock_guard guard(sent.mutex);
        if (!taken) {
            ++sent.given_up;
            continue;
        }
        sent.answered_ms.push_back(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - asked).count());
        ++sent.webhooks;
        sent.alerts += webhook.keys.size();
        for (std::string& key : webhook.keys) sent.keys.insert(std::move(key));
    }
}

double resident_mib(const engine::ProcessId& process) {
    std::ifstream status(fmt::format("/proc/{}/status", process.pid));
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1'024;
    return 0;
}

double metric(const std::string& page, const std::string& name) {
    const auto at = page.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::atof(page.c_str() + at + name.size() + 2);
}

// Of the alerts that were answered with 200, how many the journal lacks; and its rows that were never sent or are
// there twice.
Result<std::pair<std::size_t, std::size_t>> compare(const std::string& journal, const Sent& sent) {
    MEDIC_TRY(const auto database, sqlite::Database::open("journal", journal, sqlite::Database::Access::read_only));
    MEDIC_TRY(auto rows, sqlite::Statement::prepare(
                             database, "SELECT fingerprint, starts_at, firing FROM alerts WHERE name = 'Storm'"));
    std::set<std::string> kept;
    std::size_t strange = 0;
    for (;;) {
        MEDIC_TRY(const bool more, rows.step());
        if (!more) break;
        std::string key = fmt::format("{}|{}|{}", rows.text(0), rows.integer(1), rows.integer(2));
        if (!sent.keys.contains(key)) ++strange;
        if (!kept.insert(std::move(key)).second) ++strange;
    }
    const auto lost = std::ranges::count_if(sent.keys, [&](const std::string& key) { return !kept.contains(key); });
    return std::pair{static_cast<std::size_t>(lost), strange};
}

void flap(const Platform& platform, const std::atomic<bool>& over) {
    while (!over) {
        const auto node = platform.working_taskmanager();
        if (!node) break;
        (void)platform.signal(*node, SIGSTOP);
        std::this_thread::sleep_for(std::chrono::seconds(4));
        (void)platform.signal(*node, SIGCONT);
        std::this_thread::sleep_for(std::chrono::seconds(4));
    }
}

void print(const Storm& storm, Sent& sent, const std::string& page, double before_mib, double after_mib) {
    std::ranges::sort(sent.answered_ms);
    const auto share = [&](double part) {
        return sent.answered_ms.empty() ? 0.0
                                        : sent.answered_ms[static_cast<std::size_t>(
                                              part * static_cast<double>(sent.answered_ms.size() - 1))];
    };
    const double ticks = metric(page, "medic_tick_duration_seconds_count");
    std::printf("%d s, %d alerts a second asked for: %llu alerts in %llu webhooks taken (%.0f a second)\n",
                storm.seconds, storm.rate, static_cast<unsigned long long>(sent.alerts),
                static_cast<unsigned long long>(sent.webhooks), static_cast<double>(sent.alerts) / storm.seconds);
    std::printf("  answered with 503 or not at all, then sent again: %llu; given up: %llu\n",
                static_cast<unsigned long long>(sent.refused), static_cast<unsigned long long>(sent.given_up));
    std::printf("  answered after: median %.1f ms, 99 %% within %.1f ms\n", share(0.5), share(0.99));
    std::printf("  new %.0f, known %.0f; different ones sent: %zu\n", metric(page, "medic_alerts_taken_total"),
                metric(page, "medic_alerts_repeated_total"), sent.keys.size());
    std::printf("  ticks of the loop: %.0f, within 100 ms: %.0f, within 250 ms: %.0f\n", ticks,
                metric(page, "medic_tick_duration_seconds_bucket{le=\"0.1\"}"),
                metric(page, "medic_tick_duration_seconds_bucket{le=\"0.25\"}"));
    std::printf("  memory: %.0f MiB before, %.0f MiB after\n", before_mib, after_mib);
}

Status run(Storm storm, const std::string& programs) {
    engine::lab::LabOptions options{.data_dir = std::filesystem::temp_directory_path() / "medic-alert-storm",
                                    .program = programs + "/medic-engine"};
    MEDIC_TRY(const auto platform, Platform::up(options, engine::lab::Leave::nothing, [](const std::string&) {}));
    MEDIC_TRY(const auto agent, AgentProcess::start(programs + "/medic", platform->plan()));
    std::ifstream tokens(options.data_dir + "/token");
    std::string person;
    tokens >> person >> storm.token;
    const std::string base = fmt::format("http://127.0.0.1:{}", platform->plan().agent_port);
    storm.url = base + "/api/v1/webhook/alertmanager";
    std::this_thread::sleep_for(std::chrono::seconds(10));
    const double before_mib = resident_mib(agent->id());
    Sent sent;
    std::atomic<bool> over = false;
    {
        const std::jthread flapping([&] { flap(*platform, over); });
        std::vector<std::jthread> all;
        const std::int64_t began_ms = read_clock().wall.unix_ms;
        for (int i = 0; i < senders; ++i) all.emplace_back([&, i] { send(storm, i, began_ms, sent); });
        all.clear();
        over = true;
    }
    HttpClient client;
    MEDIC_TRY(const HttpReply page, client.perform({.url = base + "/metrics"}));
    print(storm, sent, page.body, before_mib, resident_mib(agent->id()));
    MEDIC_TRY(const auto difference, compare(options.data_dir + "/agent/journal.db", sent));
    std::printf("  of them missing in the journal: %zu; rows that nobody sent, or twice: %zu\n", difference.first,
                difference.second);
    return difference.first + difference.second == 0 && sent.given_up == 0
               ? Status{}
               : fail(ErrorCode::internal, "not every alert is accounted for");
}

}  // namespace
}  // namespace medic

int main(int argc, char** argv) {
    medic::Storm storm;
    if (argc > 1) storm.seconds = std::max(1, std::atoi(argv[1]));
    if (argc > 2) storm.rate = std::max(medic::alerts_per_webhook, std::atoi(argv[2]));
    const auto programs =
        std::filesystem::path(medic::engine::own_executable()).parent_path().parent_path().parent_path();
    const medic::Status status = medic::run(storm, programs);
    if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
    return status ? 0 : 1;
}
