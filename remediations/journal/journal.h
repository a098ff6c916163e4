// The journal: the only durable truth of the agent. Incidents, attempts, decisions, pauses, approvals, verdicts,
// alerts, quarantines. SQLite in WAL mode with synchronous=FULL, one writer (this object), any number of read-only
// readers. Group commit: append() takes entries into memory, flush() makes everything appended durable with one fsync.
// Owned by the journal thread. It decides nothing; the loop says what to write, the outbox waits for the ack.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic {

// The newest state of an incident. `detail` is the loop's own record (agent/loop/incident_codec); the rest is for
// queries.
struct IncidentRow {
    std::string id{}, cluster{}, cause{}, subject{}, state{}, side{}, owner{}, summary{};
    WallTime opened_at{}, detected_at{}, acted_at{}, healed_at{}, resolved_at{};  // unix_ms 0: not yet.
    bool closed = false;
    std::string detail{};
};

// One attempt to send one operation. Written as `intended` before it leaves and again when its outcome is known.
struct AttemptRow {
    std::string key{}, incident{}, cluster{}, remedy{}, cause{};
    std::string diagnosed{}, target{};  // Subjects as "cluster:kind/name".
    std::string operation{};            // describe(operation): no secrets.
    std::string approved_by{};
    bool undo = false;
    std::string state{};  // intended | replied | failed | unknown | not-sent (never left) | not-done (facts say so)
    std::string result{};
    WallTime intended_at{}, finished_at{};
};

// Why something was done or not done, with everything it was decided from. Never updated.
struct DecisionRow {
    WallTime at{};
    std::string incident{}, key{};
    std::string kind{};     // plan | guards | verification | escalation | startup | replay …
    std::string verdict{};  // What was decided, as compared by replay.
    std::string text{};     // For a person.
    std::string inputs{};   // The recorded question ("" when there is none to ask again).
};

struct PauseRow {
    std::string cluster, reason, by;
    WallTime since;
    bool active = true;
};
// A node that a person keeps out of use.
struct CordonRow {
    std::string cluster, node, reason, by;
    WallTime since;
    bool active = true;
};
struct ApprovalRow {
    std::string action;
    bool approved = true;
    std::string by, reason;
    WallTime at;
};
struct VerdictRow {
    std::string incident;
    bool right = true;
    std::string by, reason;
    WallTime at;
};
struct FirstFailureRow {
    std::string incident, text;
    WallTime at;
};
struct QuarantineRow {
    std::string cluster, job, version, incident;
    WallTime at;
};
// The role that a node has since we changed it (a spare that was activated, a dead node refilled as a spare).
struct NodeRoleRow {
    std::string cluster, node;
    bool spare = false;
    WallTime at;
};
// Which broker, worker or task manager a node's process was last known as: who starts after it died can't ask it.
struct NodeLinkRow {
    std::string cluster, node;
    std::string broker, worker, taskmanager;
    WallTime at;
};
// What is known of a Flink job's present run and of what ran before it (JobRun of agent/collectors/observation.h): a
// version that was replaced can't be asked for.
struct JobRunRow {
    std::string cluster, job;
    std::string id, before, version, version_before, good_version, last_good_version;
    WallTime at;
};
// Under which settings a connector last worked and what was changed since (agent/daemon/settings_memory). No secrets.
struct ConnectorSettingsRow {
    std::string cluster, connector;
    std::string detail;  // "": it is gone.
    WallTime at;
};
// The same of a topic (agent/daemon/topic_settings).
struct TopicSettingsRow {
    std::string cluster, topic;
    std::string detail;  // "": it is gone.
    WallTime at;
};
// Policy, rules and program as one hash, since when they stand, and what harm they did where they act first (""; none).
struct BehaviourRow {
    std::string behaviour, harm;
    WallTime since;
};
// Accepted alerts: unique by fingerprint, start and status. Written by the API's handler before it answers 200.
struct AlertRow {
    std::string fingerprint{};
    WallTime starts_at{}, received_at{};
    bool firing = true;
    std::string subject{}, name{}, received_from{}, labels{};  // labels: one "key=value" per line.
};

// What a receiver of messages was told of an incident last. `told` "": nothing yet, but news is owed to it.
struct DeliveryRow {
    std::string receiver{}, incident{};
    std::int64_t revision = 0;  // Messages of this incident that it took.
    std::string told{};         // How the incident stood then (agent/notify).
    std::string labels{};       // Of its alert, where the receiver keeps alerts.
    bool final = false;         // Nothing more is owed.
    WallTime at{};
};

// Maintenance that people told of and that has not ended: an agent that is restarted meanwhile must still know.
struct NoticeRow {
    std::string id{}, cluster{}, subject{};  // subject: "kind/name".
    std::string text{}, by{};
    WallTime at{}, until{};
};

using JournalEntry =
    std::variant<IncidentRow, AttemptRow, DecisionRow, PauseRow, ApprovalRow, VerdictRow, FirstFailureRow,
                 QuarantineRow, NodeRoleRow, NodeLinkRow, JobRunRow, ConnectorSettingsRow, TopicSettingsRow, CordonRow,
                 BehaviourRow, AlertRow, DeliveryRow, NoticeRow>;

// What the loop starts from. `complete` false: something could not be read, so nothing may act.
struct JournalState {
    bool complete = true;
    std::string problem{};             // For a person; "" when complete.
    std::uint64_t incidents_ever = 0;  // Ids are I1, I2, …
    std::vector<IncidentRow> open_incidents{};
    std::vector<IncidentRow> ended_incidents{};  // The newest `ended_max`, by id.
    std::vector<AttemptRow> attempts{};          // Of the last `history`, and every one of an open incident.
    std::vector<PauseRow> pauses{};              // Active ones.
    std::vector<CordonRow> cordons{};            // Active ones.
    std::vector<ApprovalRow> approvals{};        // Of open incidents.
    std::vector<QuarantineRow> quarantines{};
    std::vector<NodeRoleRow> node_roles{};
    std::vector<NodeLinkRow> node_links{};
    std::vector<JobRunRow> job_runs{};
    std::vector<ConnectorSettingsRow> connector_settings{};
    std::vector<TopicSettingsRow> topic_settings{};
    std::vector<BehaviourRow> behaviours{};  // The newest, or none.
    std::vector<AlertRow> alerts{};          // Newest status per fingerprint and start, firing only.
    std::vector<NoticeRow> notices{};        // Those that have not ended.
    std::vector<DeliveryRow> deliveries{};   // Of incidents that are open or not told to the end.
    std::vector<IncidentRow> untold{};       // Ended within `history`, and the end is still owed to somebody.
};

struct JournalOptions {
    std::string path{};                         // ":memory:" for tests.
    std::size_t pending_entries_max = 100'000;  // append() refuses above it: the disk is too slow or gone.
    std::size_t ended_max = 100;                // Ended incidents that load() reads.
    std::uint64_t bytes_max = 4ULL << 30;       // The file grows no further; then flush() fails as on a full disk.
    Duration history{
        24 * 3'600'000};  // How far back load() reads attempts and untold ends: more than the longest sensible window.
};

struct JournalAckResult {
    std::uint64_t sequence = 0;  // Everything up to here was tried.
    bool durable = true;
    std::string problem{};  // Why not: disk full, read-only, corrupt; with the path.
};

class Journal {
public:
    // Creates or opens; checks the schema version and (quick_check) the file. A corrupt file is an error, never
    // overwritten.
    [[nodiscard]] static Result<std::unique_ptr<Journal>> open(JournalOptions options);
    // For the CLI while no agent runs, and for readers beside one.
    [[nodiscard]] static Result<std::unique_ptr<Journal>> open_read_only(const std::string& path);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    // Takes entries over and returns the sequence that covers them. unavailable: pending_entries_max is reached.
    [[nodiscard]] Result<std::uint64_t> append(std::vector<JournalEntry> entries);
    // One transaction, one fsync. When it fails nothing of the batch is kept: the loop writes its state anew later.
    [[nodiscard]] JournalAckResult flush();

    // Changes bytes_max of a running journal (an operator made room, or a test takes it away).
    [[nodiscard]] Status limit_bytes(std::uint64_t bytes_max);

    [[nodiscard]] JournalState load(WallTime now) const;
    [[nodiscard]] Result<std::vector<IncidentRow>> incidents(std::size_t newest_max) const;
    [[nodiscard]] Result<IncidentRow> incident(std::string_view id) const;
    [[nodiscard]] Result<std::vector<AttemptRow>> attempts(std::string_view incident) const;
    [[nodiscard]] Result<std::vector<DecisionRow>> decisions(std::string_view incident) const;
    [[nodiscard]] Result<std::vector<VerdictRow>> verdicts() const;  // All, oldest first.
    [[nodiscard]] Result<std::vector<FirstFailureRow>> first_failures(std::string_view incident) const;

    // Drops closed incidents, and what belongs to them, that ended before `horizon`: the oldest `incidents_max` of them
    // in one transaction, so that no operation waits long for it; notices that ended before it, too. Returns how many
    // went. Never: what belongs to an open incident (its alerts included), quarantines, pauses, node roles, and the
    // newest incident, whose number says which comes next. Called now and then by the owner.
    [[nodiscard]] Result<std::size_t> forget_before(WallTime horizon, std::size_t incidents_max);

private:
    struct State;
    explicit Journal(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace medic
