// The tables: one list of columns per row type serves creation, writing and reading. Only for this room's .cc files.
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "agent/sqlite/sqlite.h"
#include "remediations/journal/journal.h"

namespace medic::rows {

constexpr int schema_version = 1;

template <class Row>
struct Table;
// clang-format off
template <> struct Table<IncidentRow>     { static constexpr auto name = "incidents",      key = "id",           conflict = "REPLACE"; };
template <> struct Table<AttemptRow>      { static constexpr auto name = "attempts",       key = "key",          conflict = "REPLACE"; };
template <> struct Table<DecisionRow>     { static constexpr auto name = "decisions",      key = "",             conflict = "ABORT"; };
template <> struct Table<PauseRow>        { static constexpr auto name = "pauses",         key = "cluster",      conflict = "REPLACE"; };
template <> struct Table<CordonRow>       { static constexpr auto name = "cordons",        key = "cluster, node", conflict = "REPLACE"; };
template <> struct Table<ApprovalRow>     { static constexpr auto name = "approvals",      key = "action",       conflict = "REPLACE"; };
template <> struct Table<VerdictRow>      { static constexpr auto name = "verdicts",       key = "incident",     conflict = "REPLACE"; };
template <> struct Table<FirstFailureRow> { static constexpr auto name = "first_failures", key = "incident",     conflict = "IGNORE"; };
template <> struct Table<QuarantineRow>   { static constexpr auto name = "quarantines",    key = "cluster, job, version", conflict = "IGNORE"; };
template <> struct Table<NodeRoleRow>     { static constexpr auto name = "node_roles",     key = "cluster, node", conflict = "REPLACE"; };
template <> struct Table<NodeLinkRow>     { static constexpr auto name = "node_links",     key = "cluster, node", conflict = "REPLACE"; };
template <> struct Table<JobRunRow>       { static constexpr auto name = "job_runs",       key = "cluster, job", conflict = "REPLACE"; };
template <> struct Table<ConnectorSettingsRow> { static constexpr auto name = "connector_settings", key = "cluster, connector", conflict = "REPLACE"; };
template <> struct Table<TopicSettingsRow> { static constexpr auto name = "topic_settings", key = "cluster, topic", conflict = "REPLACE"; };
template <> struct Table<BehaviourRow>    { static constexpr auto name = "behaviours",     key = "behaviour",    conflict = "REPLACE"; };
template <> struct Table<AlertRow>        { static constexpr auto name = "alerts",         key = "fingerprint, starts_at, firing", conflict = "IGNORE"; };
template <> struct Table<DeliveryRow>     { static constexpr auto name = "deliveries",     key = "receiver, incident", conflict = "REPLACE"; };
template <> struct Table<NoticeRow>       { static constexpr auto name = "notices",        key = "id",           conflict = "REPLACE"; };

template <class A> void columns(A& a, IncidentRow& r) {
    a("id", r.id); a("cluster", r.cluster); a("cause", r.cause); a("subject", r.subject); a("state", r.state); a("side", r.side);
    a("owner", r.owner); a("summary", r.summary); a("opened_at", r.opened_at); a("detected_at", r.detected_at);
    a("acted_at", r.acted_at); a("healed_at", r.healed_at); a("resolved_at", r.resolved_at); a("closed", r.closed); a("detail", r.detail);
}
template <class A> void columns(A& a, AttemptRow& r) {
    a("key", r.key); a("incident", r.incident); a("cluster", r.cluster); a("remedy", r.remedy); a("cause", r.cause);
    a("diagnosed", r.diagnosed); a("target", r.target); a("operation", r.operation); a("approved_by", r.approved_by); a("undo", r.undo);
    a("state", r.state); a("result", r.result); a("intended_at", r.intended_at); a("finished_at", r.finished_at);
}
template <class A> void columns(A& a, DecisionRow& r) {
    a("at", r.at); a("incident", r.incident); a("key", r.key); a("kind", r.kind); a("verdict", r.verdict); a("text", r.text); a("inputs", r.inputs);
}
template <class A> void columns(A& a, PauseRow& r) { a("cluster", r.cluster); a("reason", r.reason); a("by_whom", r.by); a("since", r.since); a("active", r.active); }
template <class A> void columns(A& a, CordonRow& r) {
    a("cluster", r.cluster); a("node", r.node); a("reason", r.reason); a("by_whom", r.by); a("since", r.since); a("active", r.active);
}
template <class A> void columns(A& a, ApprovalRow& r) { a("action", r.action); a("approved", r.approved); a("by_whom", r.by); a("reason", r.reason); a("at", r.at); }
template <class A> void columns(A& a, VerdictRow& r) { a("incident", r.incident); a("is_right", r.right); a("by_whom", r.by); a("reason", r.reason); a("at", r.at); }
template <class A> void columns(A& a, FirstFailureRow& r) { a("incident", r.incident); a("text", r.text); a("at", r.at); }
template <class A> void columns(A& a, QuarantineRow& r) { a("cluster", r.cluster); a("job", r.job); a("version", r.version); a("incident", r.incident); a("at", r.at); }
template <class A> void columns(A& a, NodeRoleRow& r) { a("cluster", r.cluster); a("node", r.node); a("spare", r.spare); a("at", r.at); }
template <class A> void columns(A& a, NodeLinkRow& r) {
    a("cluster", r.cluster); a("node", r.node); a("broker", r.broker); a("worker", r.worker); a("taskmanager", r.taskmanager); a("at", r.at);
}
template <class A> void columns(A& a, JobRunRow& r) {
    a("cluster", r.cluster); a("job", r.job); a("id", r.id); a("before_id", r.before); a("version", r.version);
    a("version_before", r.version_before); a("good_version", r.good_version); a("last_good_version", r.last_good_version); a("at", r.at);
}
template <class A> void columns(A& a, ConnectorSettingsRow& r) {
    a("cluster", r.cluster); a("connector", r.connector); a("detail", r.detail); a("at", r.at);
}
template <class A> void columns(A& a, TopicSettingsRow& r) {
    a("cluster", r.cluster); a("topic", r.topic); a("detail", r.detail); a("at", r.at);
}
template <class A> void columns(A& a, BehaviourRow& r) { a("behaviour", r.behaviour); a("harm", r.harm); a("since", r.since); }
template <class A> void columns(A& a, AlertRow& r) {
    a("fingerprint", r.fingerprint); a("starts_at", r.starts_at); a("received_at", r.received_at); a("firing", r.firing);
    a("subject", r.subject); a("name", r.name); a("received_from", r.received_from); a("labels", r.labels);
}
template <class A> void columns(A& a, DeliveryRow& r) {
    a("receiver", r.receiver); a("incident", r.incident); a("revision", r.revision); a("told", r.told); a("labels", r.labels);
    a("final", r.final); a("at", r.at);
}
template <class A> void columns(A& a, NoticeRow& r) {
    a("id", r.id); a("cluster", r.cluster); a("subject", r.subject); a("text", r.text); a("by_whom", r.by); a("at", r.at); a("until_at", r.until);
}
// clang-format on

struct ColumnNames {
    std::string created, listed, marks;  // For CREATE TABLE, for SELECT and INSERT, "?, ?, …".
    template <class T>
    void operator()(const char* name, T&) {
        created += std::string(name) + (std::is_same_v<T, std::string> ? " TEXT NOT NULL, " : " INTEGER NOT NULL, ");
        listed += std::string(name) + ", ";
        marks += "?, ";
    }
};

struct Binder {
    sqlite::Statement& statement;
    int index = 1;
    void operator()(const char*, const std::string& value) { statement.bind(index++, value); }
    void operator()(const char*, const WallTime& value) { statement.bind(index++, value.unix_ms); }
    void operator()(const char*, const bool& value) { statement.bind(index++, std::int64_t{value ? 1 : 0}); }
    void operator()(const char*, const std::int64_t& value) { statement.bind(index++, value); }
};

struct RowReader {
    sqlite::Statement& statement;
    int index = 0;
    void operator()(const char*, std::string& value) { value = statement.text(index++); }
    void operator()(const char*, WallTime& value) { value.unix_ms = statement.integer(index++); }
    void operator()(const char*, bool& value) { value = statement.integer(index++) != 0; }
    void operator()(const char*, std::int64_t& value) { value = statement.integer(index++); }
};

template <class Row>
ColumnNames names() {
    ColumnNames result;
    Row row;
    columns(result, row);
    return result;
}

template <class Row>
std::string create_sql() {
    const std::string key = Table<Row>::key;
    const auto columns_sql = names<Row>().created;
    return std::string("CREATE TABLE IF NOT EXISTS ") + Table<Row>::name + " (" + columns_sql +
           "sequence INTEGER NOT NULL" + (key.empty() ? "" : ", PRIMARY KEY (" + key + ")") + ");";
}

template <class Row>
std::string insert_sql() {
    const auto all = names<Row>();
    return std::string("INSERT OR ") + Table<Row>::conflict + " INTO " + Table<Row>::name + " (" + all.listed +
           "sequence) VALUES (" + all.marks + "?)";
}

// Every row that `rest` ("WHERE … ORDER BY …") selects; `binds` are its text parameters.
template <class Row>
Result<std::vector<Row>> select(const sqlite::Database& database, const std::string& rest,
                                const std::vector<std::string>& binds = {}) {
    auto listed = names<Row>().listed;
    listed.resize(listed.size() - 2);
    MEDIC_TRY(auto statement,
              sqlite::Statement::prepare(database, "SELECT " + listed + " FROM " + Table<Row>::name + " " + rest));
    int index = 1;
    for (const auto& bind : binds) statement.bind(index++, bind);
    std::vector<Row> result;
    while (true) {
        MEDIC_TRY(const bool more, statement.step());
        if (!more) return result;
        RowReader reader{statement};
        columns(reader, result.emplace_back());
    }
}

}  // namespace medic::rows
