#include "remediations/journal/journal.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "remediations/journal/rows_internal.h"

namespace medic {
namespace {

using sqlite::Database;
using sqlite::Statement;

template <std::size_t Index = 0>
Status for_each_table(const auto& visit) {
    if constexpr (Index < std::variant_size_v<JournalEntry>) {
        MEDIC_CHECK((visit.template operator()<std::variant_alternative_t<Index, JournalEntry>>()));
        return for_each_table<Index + 1>(visit);
    }
    return {};
}

Result<std::int64_t> ask_integer(const Database& database, const std::string& sql) {
    MEDIC_TRY(auto statement, Statement::prepare(database, sql));
    MEDIC_TRY(const bool row, statement.step());
    return row ? statement.integer(0) : 0;
}

Status check_file(const Database& database) {
    MEDIC_TRY(auto statement, Statement::prepare(database, "PRAGMA quick_check(1)"));
    MEDIC_TRY(const bool row, statement.step());
    if (!row || statement.text(0) != "ok")
        return database.error("is corrupt (" + (row ? statement.text(0) : std::string("no answer")) +
                              "); move it away to start anew");
    return {};
}

Status check_version(const Database& database) {
    MEDIC_TRY(const std::int64_t version, ask_integer(database, "PRAGMA user_version"));
    if (version != 0 && version != rows::schema_version)
        return fail(ErrorCode::invalid, "the journal has schema {}, this agent reads {}", version,
                    rows::schema_version);
    return {};
}

Status create(const Database& database) {
    MEDIC_CHECK(database.execute("PRAGMA journal_mode=WAL"));
    MEDIC_CHECK(database.execute("PRAGMA synchronous=FULL"));
    MEDIC_CHECK(database.execute("BEGIN IMMEDIATE"));
    MEDIC_CHECK(
        for_each_table([&]<class Row>() -> Status { return database.execute(rows::create_sql<Row>().c_str()); }));
    MEDIC_CHECK(database.execute("CREATE INDEX IF NOT EXISTS decisions_of ON decisions (incident)"));
    MEDIC_CHECK(database.execute("CREATE INDEX IF NOT EXISTS attempts_of ON attempts (incident)"));
    MEDIC_CHECK(database.execute("CREATE INDEX IF NOT EXISTS attempts_at ON attempts (intended_at)"));
    MEDIC_CHECK(database.execute("CREATE INDEX IF NOT EXISTS incidents_open ON incidents (closed)"));
    MEDIC_CHECK(database.execute(("PRAGMA user_version=" + std::to_string(rows::schema_version)).c_str()));
    return database.execute("COMMIT");
}

// Takes over what could be read; what could not makes the whole state incomplete.
template <class T>
void take(JournalState& state, Result<std::vector<T>> read, std::vector<T>& into) {
    if (read) {
        into = *std::move(read);
    } else if (state.complete) {
        state.complete = false;
        state.problem = read.error().message;
    }
}

}  // namespace

struct Journal::State {
    Database database;
    JournalOptions options;
    std::uint64_t sequence = 0;
    std::vector<std::pair<std::uint64_t, JournalEntry>> pending;
    std::string problem;  // Of the last write; "" when it worked.
    // One per table, prepared at its first row: an alert storm writes thousands of rows a second.
    std::array<std::optional<Statement>, std::variant_size_v<JournalEntry>> inserts{};

    Status write(std::uint64_t at, JournalEntry& entry) {
        return std::visit(
            [&]<class Row>(Row& row) -> Status {
                auto& kept = inserts[entry.index()];
                if (!kept) {
                    MEDIC_TRY(auto statement, Statement::prepare(database, rows::insert_sql<Row>()));
                    kept.emplace(std::move(statement));
                }
                rows::Binder binder{*kept};
                rows::columns(binder, row);
                kept->bind(binder.index, static_cast<std::int64_t>(at));
                const auto done = kept->step();
                kept->reset();
                if (!done) return std::unexpected(done.error());
                return {};
            },
            entry);
    }

    Status write_pending() {
        MEDIC_CHECK(database.execute("BEGIN IMMEDIATE"));
        for (auto& [at, entry] : pending) MEDIC_CHECK(write(at, entry));
        return database.execute("COMMIT");
    }
};

Journal::Journal(std::unique_ptr<State> state) : state_(std::move(state)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(JournalOptions options) {
    MEDIC_TRY(Database database, Database::open("journal", options.path, Database::Access::read_write));
    MEDIC_CHECK(check_file(database));
    MEDIC_CHECK(check_version(database));
    MEDIC_CHECK(create(database));
    auto state = std::make_unique<State>(State{std::move(database), std::move(options), 0, {}, {}, {}});
    MEDIC_CHECK(for_each_table([&]<class Row>() -> Status {
        MEDIC_TRY(const std::int64_t last,
                  ask_integer(state->database, std::string("SELECT max(sequence) FROM ") + rows::Table<Row>::name));
        state->sequence = std::max(state->sequence, static_cast<std::uint64_t>(last));
        return {};
    }));
    auto journal = std::unique_ptr<Journal>(new Journal(std::move(state)));
    MEDIC_CHECK(journal->limit_bytes(journal->state_->options.bytes_max));
    return journal;
}

Result<std::unique_ptr<Journal>> Journal::open_read_only(const std::string& path) {
    MEDIC_TRY(Database database, Database::open("journal", path, Database::Access::read_only));
    MEDIC_CHECK(check_version(database));
    JournalOptions options;
    options.path = path;
    return std::unique_ptr<Journal>(
        new Journal(std::make_unique<State>(State{std::move(database), std::move(options), 0, {}, {}, {}})));
}

Result<std::uint64_t> Journal::append(std::vector<JournalEntry> entries) {
    if (state_->pending.size() + entries.size() > state_->options.pending_entries_max)
        return fail(ErrorCode::unavailable, "journal {}: {} entries wait for the disk", state_->options.path,
                    state_->pending.size());
    for (auto& entry : entries) state_->pending.emplace_back(++state_->sequence, std::move(entry));
    return state_->sequence;
}

JournalAckResult Journal::flush() {
    // Nothing to write proves nothing: after a failure only a write that works says that the disk is back.
    if (!state_->pending.empty()) {
        state_->problem.clear();
        if (const Status status = state_->write_pending(); !status) {
            state_->problem = status.error().message;
            static_cast<void>(
                state_->database.execute("ROLLBACK").has_value());  // Fails when SQLite has rolled back itself.
        }
        state_->pending.clear();
    }
    return {state_->sequence, state_->problem.empty(), state_->problem};
}

Status Journal::limit_bytes(std::uint64_t bytes_max) {
    const Database& database = state_->database;
    MEDIC_TRY(const std::int64_t page_bytes, ask_integer(database, "PRAGMA page_size"));
    // SQLite never goes below what the file already holds.
    const auto pages = std::max<std::uint64_t>(1, bytes_max / static_cast<std::uint64_t>(page_bytes));
    return database.execute(("PRAGMA max_page_count=" + std::to_string(pages)).c_str());
}

JournalState Journal::load(WallTime now) const {
    const Database& database = state_->database;
    JournalState state;
    const auto count = ask_integer(database, "SELECT max(CAST(substr(id, 2) AS INTEGER)) FROM incidents");
    if (count) {
        state.incidents_ever = static_cast<std::uint64_t>(*count);
    } else {
        state.complete = false;
        state.problem = count.error().message;
    }
    const auto horizon = std::to_string((now - state_->options.history).unix_ms);
    const std::string open = "(SELECT id FROM incidents WHERE closed = 0)";
    take(state, rows::select<IncidentRow>(database, "WHERE closed = 0 ORDER BY CAST(substr(id, 2) AS INTEGER)"),
         state.open_incidents);
    take(state,
         rows::select<IncidentRow>(database, "WHERE closed = 1 ORDER BY CAST(substr(id, 2) AS INTEGER) DESC LIMIT " +
                                                 std::to_string(state_->options.ended_max)),
         state.ended_incidents);
    std::ranges::reverse(state.ended_incidents);
    take(state,
         rows::select<AttemptRow>(
             database, "WHERE intended_at >= CAST(? AS INTEGER) OR incident IN " + open + " ORDER BY sequence",
             {horizon}),
         state.attempts);
    take(state, rows::select<PauseRow>(database, "WHERE active = 1 ORDER BY cluster"), state.pauses);
    take(state, rows::select<CordonRow>(database, "WHERE active = 1 ORDER BY cluster, node"), state.cordons);
    take(state, rows::select<ApprovalRow>(database, "ORDER BY sequence"), state.approvals);
    take(state, rows::select<QuarantineRow>(database, "ORDER BY sequence"), state.quarantines);
    take(state, rows::select<NodeRoleRow>(database, "ORDER BY sequence"), state.node_roles);
    take(state, rows::select<NodeLinkRow>(database, "ORDER BY sequence"), state.node_links);
    take(state, rows::select<JobRunRow>(database, "ORDER BY sequence"), state.job_runs);
    take(state, rows::select<ConnectorSettingsRow>(database, "ORDER BY sequence"), state.connector_settings);
    take(state, rows::select<TopicSettingsRow>(database, "ORDER BY sequence"), state.topic_settings);
    take(state, rows::select<BehaviourRow>(database, "ORDER BY sequence DESC LIMIT 1"), state.behaviours);
    take(state,
         rows::select<AlertRow>(
             database,
             "AS a WHERE firing = 1 AND NOT EXISTS (SELECT 1 FROM alerts b WHERE b.fingerprint = a.fingerprint "
             "AND b.starts_at = a.starts_at AND b.firing = 0) ORDER BY sequence"),
         state.alerts);
    take(state,
         rows::select<NoticeRow>(database, "WHERE until_at > CAST(? AS INTEGER) ORDER BY sequence",
                                 {std::to_string(now.unix_ms)}),
         state.notices);
    const std::string owed =
        "closed = 1 AND resolved_at >= CAST(? AS INTEGER) AND id IN (SELECT incident FROM deliveries WHERE final = 0)";
    take(state,
         rows::select<DeliveryRow>(database,
                                   "WHERE incident IN " + open + " OR incident IN (SELECT id FROM incidents WHERE " +
                                       owed + ") ORDER BY sequence",
                                   {horizon}),
         state.deliveries);
    take(state,
         rows::select<IncidentRow>(database, "WHERE " + owed + " ORDER BY CAST(substr(id, 2) AS INTEGER)", {horizon}),
         state.untold);
    return state;
}

Result<std::vector<IncidentRow>> Journal::incidents(std::size_t newest_max) const {
    return rows::select<IncidentRow>(
        state_->database, "ORDER BY CAST(substr(id, 2) AS INTEGER) DESC LIMIT " + std::to_string(newest_max));
}

Result<IncidentRow> Journal::incident(std::string_view id) const {
    MEDIC_TRY(auto found, rows::select<IncidentRow>(state_->database, "WHERE id = ?", {std::string(id)}));
    if (found.empty()) return fail(ErrorCode::invalid, "there is no incident {}", id);
    return std::move(found.front());
}

Result<std::vector<AttemptRow>> Journal::attempts(std::string_view incident) const {
    return rows::select<AttemptRow>(state_->database, "WHERE incident = ? ORDER BY intended_at, key",
                                    {std::string(incident)});
}

Result<std::vector<DecisionRow>> Journal::decisions(std::string_view incident) const {
    return rows::select<DecisionRow>(state_->database, "WHERE incident = ? ORDER BY sequence", {std::string(incident)});
}

Result<std::vector<VerdictRow>> Journal::verdicts() const {
    return rows::select<VerdictRow>(state_->database, "ORDER BY sequence");
}

Result<std::vector<FirstFailureRow>> Journal::first_failures(std::string_view incident) const {
    return rows::select<FirstFailureRow>(state_->database, "WHERE incident = ?", {std::string(incident)});
}

Result<std::size_t> Journal::forget_before(WallTime horizon, std::size_t incidents_max) {
    const Database& database = state_->database;
    const std::string before = std::to_string(horizon.unix_ms), most = std::to_string(incidents_max);
    const std::string old =
        "(SELECT id FROM incidents WHERE closed = 1 AND resolved_at > 0 AND resolved_at < " + before +
        " AND id NOT IN (SELECT id FROM incidents ORDER BY CAST(substr(id, 2) AS INTEGER) DESC LIMIT 1)"
        " ORDER BY resolved_at, id LIMIT " +
        most + ")";
    // An alert that still fires belongs to the open incident that it has joined, however old it is.
    const std::string alerts =
        "DELETE FROM alerts WHERE rowid IN (SELECT rowid FROM alerts AS a WHERE received_at < " + before +
        " AND NOT EXISTS (SELECT 1 FROM incidents WHERE closed = 0 AND instr(detail, a.fingerprint) > 0) LIMIT " +
        most + ")";
    const auto work = [&]() -> Result<std::size_t> {
        MEDIC_TRY(const std::int64_t count, ask_integer(database, "SELECT count(*) FROM " + old));
        if (count > 0) {
            MEDIC_CHECK(database.execute(
                ("DELETE FROM approvals WHERE substr(action, 1, instr(action, '/') - 1) IN " + old).c_str()));
            for (const char* table : {"decisions", "attempts", "verdicts", "first_failures", "deliveries"})
                MEDIC_CHECK(
                    database.execute(("DELETE FROM " + std::string(table) + " WHERE incident IN " + old).c_str()));
            MEDIC_CHECK(database.execute(("DELETE FROM incidents WHERE id IN " + old).c_str()));
        }
        MEDIC_CHECK(database.execute(alerts.c_str()));
        MEDIC_CHECK(database.execute(("DELETE FROM notices WHERE until_at < " + before).c_str()));
        return static_cast<std::size_t>(count);
    };
    MEDIC_CHECK(database.execute("BEGIN IMMEDIATE"));
    auto gone = work();
    if (gone)
        if (const Status done = database.execute("COMMIT"); !done) gone = std::unexpected(done.error());
    if (!gone) static_cast<void>(database.execute("ROLLBACK").has_value());  // Fails when SQLite has done so itself.
    return gone;
}

}  // namespace medic
