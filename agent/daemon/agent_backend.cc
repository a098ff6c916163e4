// What the agent's API is asked, on its server's thread.
#include <algorithm>
#include <filesystem>
#include <future>

#include "agent/daemon/agent_state_internal.h"
#include "agent/daemon/diagnosis_document.h"
#include "agent/daemon/doors.h"
#include "agent/loop/incident_codec.h"
#include "agent/loop/request.h"
#include "remediations/planning/deployment.h"

namespace medic {
namespace {

constexpr Duration journal_wait{3'000};  // A webhook that can't be persisted by then is answered 503.
constexpr Duration ingest_wait{3'000};   // Whoever asks for a diagnosis had better look for himself by then.

}  // namespace

std::vector<std::string> Agent::State::clusters() const {
    std::vector<std::string> names;
    for (const ClusterConfig& cluster : config.clusters) names.push_back(cluster.name);
    return names;
}

std::vector<Incident> Agent::State::incidents() const {
    const std::lock_guard guard(shared_mutex);
    return shown;
}

std::vector<Cordon> Agent::State::cordons() const {
    const std::lock_guard guard(shared_mutex);
    return shown_cordons;
}

Result<Incident> Agent::State::incident(const std::string& id) const {
    {
        const std::lock_guard guard(shared_mutex);
        for (const Incident& one : shown)
            if (one.id == id) return one;
    }
    MEDIC_TRY(const auto reader, Journal::open_read_only(config.data_dir + "/journal.db"));
    MEDIC_TRY(const IncidentRow row, reader->incident(id));
    return from_row(row);
}

// What would not do what the person believes is refused at once, while the person still looks.
Status Agent::State::check(const OperatorCommand& command) const {
    using Kind = OperatorCommand::Kind;
    if (command.kind == Kind::verdict_right || command.kind == Kind::verdict_wrong) {
        if (!incident(command.target))
            return fail(ErrorCode::invalid, "no incident is called {}: `medic incidents` shows them", command.target);
        return {};
    }
    std::error_code error;
    if (command.kind == Kind::resume && std::filesystem::exists(pause_file, error))
        return fail(ErrorCode::not_ready, "the file {} pauses every cluster: remove it first", pause_file);
    const std::lock_guard guard(shared_mutex);
    return can_be_carried_out(command, shown, shown_pauses);
}

Status Agent::State::command(OperatorCommand command) {
    using Kind = OperatorCommand::Kind;
    MEDIC_CHECK(check(command));
    for (const ClusterInfo& cluster : clusters_of(config)) {
        if (cluster.name != command.target) continue;
        if (command.kind == Kind::roll)
            if (const auto nodes = nodes_to_roll(with_cordons(cluster, cordons()), command.role, command.nodes); !nodes)
                return std::unexpected(nodes.error());
        if (command.kind == Kind::deploy) MEDIC_CHECK(deployment_to_make(cluster, command.deployment));
        if (command.kind == Kind::cordon || command.kind == Kind::uncordon)
            MEDIC_CHECK(node_to_cordon(cluster, command.nodes));
    }
    MEDIC_CHECK(only_one_of_a_kind(command));
    give(std::move(command));
    return {};
}

// The loop would refuse a second one, too, but only tell the log. What was asked for a moment ago it may not have taken
// up yet.
Status Agent::State::only_one_of_a_kind(const OperatorCommand& command) {
    using Kind = OperatorCommand::Kind;
    if (command.kind != Kind::roll && command.kind != Kind::deploy) return {};
    constexpr Duration taken_up_within{5'000};
    const std::string cause(command.kind == Kind::roll ? roll_cause : deploy_cause);
    const WallTime at = now();
    const std::lock_guard guard(shared_mutex);
    for (const Incident& one : shown)
        if (is_request_under_way(one, command.target, cause))
            return fail(ErrorCode::not_ready, "{}", already_asked(one, at));
    Asked& last = asked_for[{command.target, cause}];
    const bool shown_since = std::ranges::any_of(shown, [&](const Incident& one) {
        return one.cluster == command.target && one.diagnosis.cause == cause && one.noticed_at >= last.at;
    });
    if (at >= last.at && at - last.at < taken_up_within && !shown_since)
        return fail(ErrorCode::not_ready, "{} has asked for the same a moment ago: look at `medic actions`", last.by);
    last = {at, command.by};
    return {};
}

Status Agent::State::write_now(std::vector<JournalEntry> rows) {
    auto written = std::make_shared<std::promise<Status>>();
    auto done = written->get_future();
    const bool taken = journal_thread->post([this, rows = std::move(rows), written]() mutable {
        const auto sequence = journal->append(std::move(rows));
        if (!sequence) return written->set_value(std::unexpected(sequence.error()));
        const JournalAckResult ack = journal->flush();
        written->set_value(ack.durable ? Status{} : fail(ErrorCode::unavailable, "{}", ack.problem));
    });
    if (!taken) return fail(ErrorCode::unavailable, "the journal is behind; send it again");
    if (done.wait_for(journal_wait) != std::future_status::ready)
        return fail(ErrorCode::unavailable, "the journal is slow; send it again");
    return done.get();
}

std::string alert_key(const std::string& fingerprint, WallTime starts_at, bool firing) {
    return fingerprint + "|" + std::to_string(starts_at.unix_ms) + "|" + (firing ? "firing" : "resolved");
}

// Durable first, then the loop, then 200.
Status Agent::State::accept(std::vector<Alert> alerts) {
    std::vector<JournalEntry> rows;
    std::vector<Alert> fresh;
    std::vector<std::string> keys;
    for (Alert& alert : alerts) {
        std::string key = alert_key(alert.fingerprint, alert.starts_at, alert.firing);
        if (alerts_known.contains(key)) continue;
        std::string labels;
        for (const auto& [name, value] : alert.labels) labels += name + "=" + value + "\n";
        rows.push_back(AlertRow{.fingerprint = alert.fingerprint,
                                .starts_at = alert.starts_at,
                                .received_at = now(),
                                .firing = alert.firing,
                                .subject = alert.subject.kind.empty() ? "" : to_string(alert.subject),
                                .name = alert.name,
                                .received_from = alert.received_from,
                                .labels = labels});
        fresh.push_back(std::move(alert));
        keys.push_back(std::move(key));
    }
    const std::size_t repeated = alerts.size() - fresh.size(), taken = fresh.size();
    if (!rows.empty()) MEDIC_CHECK(write_now(std::move(rows)));
    // Forgetting the oldest only means that a very old alert would be written again, under the same key.
    for (std::string& key : keys) alerts_known.add(std::move(key));
    for (Alert& alert : fresh) give(std::move(alert));
    const std::lock_guard guard(shared_mutex);
    metrics_now.alerts_taken += taken;
    metrics_now.alerts_repeated += repeated;
    return {};
}

Event event_of(const ChangeNotice& change) {
    Event event{.at = change.at,
                .subject = change.subject,
                .kind = change.kind,
                .text = change.text,
                .fields = {{"version", change.version}, {"by", change.by}},
                .id = to_string(change.subject) + "/" + change.kind + "/" + std::to_string(change.at.unix_ms)};
    if (!change.version_before.empty()) event.fields["version_before"] = change.version_before;
    if (change.until.unix_ms != 0) event.fields["until_ms"] = std::to_string(change.until.unix_ms);
    return event;
}

// Maintenance is promised to hold until its end: durable first, as an alert.
Status Agent::State::change(ChangeNotice change) {
    Event event = event_of(change);
    if (change.until.unix_ms != 0)
        MEDIC_CHECK(write_now({NoticeRow{.id = event.id,
                                         .cluster = change.subject.cluster,
                                         .subject = change.subject.kind + "/" + change.subject.name,
                                         .text = change.text,
                                         .by = change.by,
                                         .at = change.at,
                                         .until = change.until}}));
    const bool taken = ingest->post(
        [this, event = std::move(event)]() mutable { (void)knowledge->timeline().record(std::move(event)); });
    return taken ? Status{} : fail(ErrorCode::unavailable, "busy; tell of it again");
}

// On the ingest thread, where the newest report and what is known belong together.
Result<std::string> Agent::State::say_diagnosis() const {
    constexpr Duration newest_max{30'000};  // Rules run every second; then this agent does not see what goes on.
    const WallTime at = now();
    if (!looked) return fail(ErrorCode::not_ready, "it has only just started and not looked at everything yet");
    if (at - newest.at > newest_max) return fail(ErrorCode::not_ready, "its newest look is older than 30 s");
    DiagnoseResult result = result_of(newest, brain->rules().symptoms(), config, *knowledge, at);
    result.seen_by = {.kind = SeenBy::Kind::agent, .since = started_at, .address = api_url, .note = ""};
    {
        const std::lock_guard guard(shared_mutex);
        result.incidents = open_incidents(shown);
    }
    say_by_itself(result, options.policy);
    result.verdict = verdict_of(result);
    return diagnosis_document(result, watched_by(config));
}

Result<std::string> ask_ingest(Worker& ingest, std::function<Result<std::string>()> say) {
    auto said = std::make_shared<std::promise<Result<std::string>>>();
    auto done = said->get_future();
    if (!ingest.post([said, say = std::move(say)] { said->set_value(say()); }))
        return fail(ErrorCode::unavailable, "the agent is busy");
    if (done.wait_for(ingest_wait) != std::future_status::ready)
        return fail(ErrorCode::unavailable, "the agent is busy: no answer within 3 s");
    return done.get();
}

Result<std::string> Agent::State::diagnosis() const {
    return ask_ingest(*ingest, [this] { return say_diagnosis(); });
}

Result<std::string> Agent::State::observations(Duration last) const {
    return ask_ingest(*ingest, [this, last]() -> Result<std::string> {
        return snapshot_document(snapshot_of(*knowledge, now(), {.last = last}));
    });
}

std::string Agent::State::metrics() const {
    const std::lock_guard guard(shared_mutex);
    OwnMetrics now_metrics = metrics_now;
    now_metrics.requests = fetcher ? fetcher->requests() : 0;
    now_metrics.writing_requests = fetcher ? fetcher->writing_requests() : 0;
    now_metrics.incidents_by_state.clear();
    for (const Incident& one : shown) ++now_metrics.incidents_by_state[std::string(to_string(one.state))];
    return page(now_metrics);
}

std::string Agent::State::not_healthy() const {
    const std::lock_guard guard(shared_mutex);
    constexpr Duration silent_max{30'000};
    const Duration unjudged_max = std::max(silent_max, 3 * config.intervals.evaluate);
    const Instant at = read_clock().monotonic;
    if (ticked_at && at - *ticked_at > silent_max) return "the loop has not ticked for 30 s";
    if (judged_at && at - *judged_at > unjudged_max)
        return "nothing that was seen is judged any more (a folder under `disks` on a disk that hangs?)";
    return "";
}

}  // namespace medic
