// Values to JSON and back, for the journal and for replay: one list of fields per struct serves both directions.
// Only for .cc files. Reading throws nlohmann's exceptions; decode() turns them into an Error.
// A field that is missing in the text is an error: a record that can't be read in full must not be acted on.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/base/result.h"
#include "classifiers/diagnosis/diagnosis.h"
#include "remediations/planning/plan.h"
#include "remediations/planning/planning_view.h"

namespace medic::codec {

using Json = nlohmann::json;

// Appends the text at once: a tree of values in between took most of the agent's time.
struct Writer {
    std::string& out;
    char before = '{';  // The next field.
    template <class T>
    void operator()(const char* name, const T& value);
    template <class T>
    void later(const char* name, const T& value) {
        (*this)(name, value);
    }
};
struct Reader {
    const Json& in;
    template <class T>
    void operator()(const char* name, T& value) const;
    // A field that records of earlier releases do not have, and whose default says the same as its absence.
    template <class T>
    void later(const char* name, T& value) const {
        if (in.contains(name)) (*this)(name, value);
    }
};

// clang-format off
template <class A> void fields(A& a, Subject& v) { a("cluster", v.cluster); a("kind", v.kind); a("name", v.name); }
template <class A> void fields(A& a, FactKey& v) { a("subject", v.subject); a("name", v.name); }
template <class A> void fields(A& a, Fact& v) {
    a("subject", v.subject); a("name", v.name); a("value", v.value); a("text", v.text); a("observed_at", v.observed_at);
}
template <class A> void fields(A& a, OperationUnderWay& v) { a("subject", v.subject); a("kind", v.kind); a("by", v.by); a("since", v.since); }
template <class A> void fields(A& a, StartNode& v) { a("node", v.node); a("as_spare", v.as_spare); }
template <class A> void fields(A& a, StopNode& v) { a("node", v.node); }
template <class A> void fields(A& a, KillNode& v) { a("node", v.node); }
template <class A> void fields(A& a, KillConnectorTask& v) { a("node", v.node); a("connector", v.connector); a("task", v.task); }
template <class A> void fields(A& a, GrowStorage& v) { a("node", v.node); a("log_dir", v.log_dir); a("bytes", v.bytes); }
template <class A> void fields(A& a, RestartConnectorTask& v) { a("connector", v.connector); a("task", v.task); }
template <class A> void fields(A& a, RestartConnector& v) {
    a("connector", v.connector); a("include_tasks", v.include_tasks); a("only_failed", v.only_failed);
}
template <class A> void fields(A& a, PauseConnector& v) { a("connector", v.connector); }
template <class A> void fields(A& a, ResumeConnector& v) { a("connector", v.connector); }
template <class A> void fields(A& a, CancelJob& v) { a("job_id", v.job_id); }
template <class A> void fields(A& a, StopJobWithSavepoint& v) { a("job_id", v.job_id); a("target_directory", v.target_directory); }
template <class A> void fields(A& a, StartDeployment& v) {
    a("job", v.job); a("version", v.version); a("restore_from", v.restore_from); a("parallelism", v.parallelism); a("settings", v.settings);
}
template <class A> void fields(A& a, VerifyDeployment& v) { a("job", v.job); a("version", v.version); a("job_id", v.job_id); a("accept", v.accept); }
template <class A> void fields(A& a, AlterConfigs& v) { a("resource", v.resource); a("name", v.name); a("set", v.set); }
template <class A> void fields(A& a, PartitionMove& v) { a("topic", v.topic); a("partition", v.partition); a("replicas", v.replicas); }
template <class A> void fields(A& a, AlterReassignments& v) { a("moves", v.moves); }
template <class A> void fields(A& a, PartitionOfTopic& v) { a("topic", v.topic); a("partition", v.partition); }
template <class A> void fields(A& a, ElectLeaders& v) { a("partitions", v.partitions); }
template <class A> void fields(A& a, GroupMembers& v) { a("group", v.group); a("client_ids", v.client_ids); }
template <class A> void fields(A& a, RemoveGroupMembers& v) { a("of", v.of); }
template <class A> void fields(A& a, ChangeConnectorConfiguration& v) { a("connector", v.connector); a("set", v.set); a("from", v.from); a("to", v.to); }
template <class A> void fields(A& a, AlterClientQuota& v) { a("user", v.user); a("client_id", v.client_id); a("set", v.set); }
template <class A> void fields(A& a, AbortTransaction& v) {
    a("topic", v.topic); a("partition", v.partition); a("producer_id", v.producer_id); a("producer_epoch", v.producer_epoch);
    a("coordinator_epoch", v.coordinator_epoch); a("start_offset", v.start_offset);
}
template <class A> void fields(A& a, StopConnector& v) { a("connector", v.connector); }
template <class A> void fields(A& a, AlterConnectorOffset& v) {
    a("connector", v.connector); a("topic", v.topic); a("partition", v.partition); a("from", v.from); a("to", v.to);
}
template <class A> void fields(A& a, ElectUncleanLeader& v) { a("topic", v.topic); a("partition", v.partition); a("expected", v.expected); }
template <class A> void fields(A& a, RescaleJob& v) { a("job_id", v.job_id); a("from", v.from); a("to", v.to); }
template <class A> void fields(A& a, Condition& v) { a("fact", v.fact); a("is", v.is); a("value", v.value); a("texts", v.texts); }
template <class A> void fields(A& a, Expectation& v) {
    a("all", v.all); a.later("any", v.any); a("worse_if", v.worse_if); a.later("in_vain_if", v.in_vain_if); a("within", v.within); a("stable_for", v.stable_for); a("cause_gone", v.cause_gone);
}
template <class A> void fields(A& a, Step& v) {
    a("remedy", v.remedy); a("cause", v.cause); a("subject", v.subject); a("text", v.text); a("operation", v.operation);
    a("timeout", v.timeout); a("idempotent", v.idempotent); a("precondition", v.precondition); a("skip_if", v.skip_if);
    a("done", v.done); a("expectation", v.expectation); a("undo", v.undo); a("risk", v.risk); a("destroys", v.destroys);
    a("object", v.object); a("job", v.job); a("after_own_stop", v.after_own_stop); a("after_heal", v.after_heal);
    a("restore_from_own_savepoint", v.restore_from_own_savepoint);
    a.later("same_definition", v.same_definition); a.later("optional", v.optional); a.later("compatible_with", v.compatible_with);
    a.later("attempts_factor", v.attempts_factor); a.later("serves_nobody", v.serves_nobody); a.later("only_asks", v.only_asks);
    a.later("once", v.once);
}
template <class A> void fields(A& a, Quarantine& v) { a("cluster", v.cluster); a("job", v.job); a("version", v.version); a.later("artifact", v.artifact); }
template <class A> void fields(A& a, Plan& v) {
    a("remedy", v.remedy); a("cause", v.cause); a("subject", v.subject); a("summary", v.summary); a("steps", v.steps);
    a("undo_steps", v.undo_steps); a("needs_approval", v.needs_approval); a("quarantine", v.quarantine);
    a.later("left_to_person", v.left_to_person); a.later("over_when", v.over_when); a.later("undo_from", v.undo_from);
    a.later("quarantine_when_undone", v.quarantine_when_undone); a.later("findings", v.findings);
}
template <class A> void fields(A& a, Refusal& v) { a("guard", v.guard); a("why", v.why); a("kind", v.kind); a("until", v.until); }
template <class A> void fields(A& a, Evidence& v) { a("kind", v.kind); a("ref", v.ref); a("text", v.text); a("value", v.value); a("at", v.at); }
template <class A> void fields(A& a, Alternative& v) { a("cause", v.cause); a("side", v.side); a("confidence", v.confidence); a("why_not", v.why_not); }
template <class A> void fields(A& a, Diagnosis& v) {
    a("cause", v.cause); a("cause_group", v.cause_group); a("side", v.side); a("owner", v.owner); a("subject", v.subject);
    a("since", v.since); a("confidence", v.confidence); a("summary", v.summary); a("evidence", v.evidence);
    a("alternatives", v.alternatives); a("effects", v.effects); a("missing", v.missing); a("remedies", v.remedies); a("facts", v.facts);
}
template <class A> void fields(A& a, NodeInfo& v) {
    a("name", v.name); a("role", v.role); a("zone", v.zone); a("spare", v.spare); a("can_start", v.can_start);
    a("can_kill", v.can_kill); a("can_kill_task", v.can_kill_task); a("can_grow", v.can_grow);
    a.later("can_stop", v.can_stop); a.later("cordoned", v.cordoned);
}
template <class A> void fields(A& a, HealthGate& v) { a("hold", v.hold); a("within", v.within); a("group", v.group); a("lag_max", v.lag_max); }
template <class A> void fields(A& a, DeploymentInfo& v) {
    a("job", v.job); a("savepoints", v.savepoints); a("versions", v.versions); a("parallelism", v.parallelism);
    a("parallelism_max", v.parallelism_max); a.later("artifacts", v.artifacts); a.later("topics", v.topics); a.later("gate", v.gate);
    a.later("fenced", v.fenced);
}
template <class A> void fields(A& a, ManagedBy& v) { a("object", v.object); a("by", v.by); a("restarts", v.restarts); }
template <class A> void fields(A& a, ClusterInfo& v) { a("name", v.name); a("nodes", v.nodes); a("deployments", v.deployments); a.later("dead_letters", v.dead_letters); a.later("managed", v.managed); }
template <class A> void fields(A& a, PlanningView& v) {
    a("cluster", v.cluster); a("facts", v.facts); a("floors", v.floors); a("quarantined", v.quarantined); a("now", v.now);
    a("facts_age_max", v.facts_age_max);
}
// clang-format on

template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class V>
inline constexpr bool is_map<std::map<std::string, V>> = true;
template <class T>
inline constexpr bool is_set = false;
template <class T>
inline constexpr bool is_set<std::set<T>> = true;
template <class T>
inline constexpr bool is_pair = false;
template <class A, class B>
inline constexpr bool is_pair<std::pair<A, B>> = true;

template <std::size_t Index = 0>
void read_body(const Json& in, std::size_t index, OperationBody& body);

// Nearly every text is written as it is; what is not, as nlohmann does.
inline void write_text(std::string& out, const std::string& text) {
    const auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
    if (std::ranges::all_of(text, plain))
        out.append(1, '"').append(text).append(1, '"');
    else
        out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <class T>
void write_number(std::string& out, T value) {
    if constexpr (std::is_floating_point_v<T>) return void(out += Json(value).dump());
    std::array<char, 32> digits;
    out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

template <class T>
void write_value(std::string& out, const T& value);

// "[1,2]"; `write` writes one item.
void write_items(std::string& out, std::string_view brackets, const auto& items, const auto& write) {
    char before = brackets[0];
    for (const auto& item : items) {
        out += std::exchange(before, ',');
        write(item);
    }
    if (before != ',') out += before;
    out += brackets[1];
}

template <class T>
void write_value(std::string& out, const T& value) {
    const auto write = [&](const auto& item) { write_value(out, item); };
    if constexpr (std::is_same_v<T, bool>) {
        out += value ? "true" : "false";
    } else if constexpr (std::is_enum_v<T>) {
        write_number(out, static_cast<int>(value));
    } else if constexpr (std::is_arithmetic_v<T>) {
        write_number(out, value);
    } else if constexpr (std::is_same_v<T, std::string>) {
        write_text(out, value);
    } else if constexpr (std::is_same_v<T, Duration>) {
        write_number(out, value.count());
    } else if constexpr (std::is_same_v<T, WallTime>) {
        write_number(out, value.unix_ms);
    } else if constexpr (is_optional<T>) {
        value ? write(*value) : void(out += "null");
    } else if constexpr (is_list<T> || is_set<T>) {
        write_items(out, "[]", value, write);
    } else if constexpr (is_map<T>) {
        write_items(out, "{}", value, [&](const auto& item) {
            write_text(out, item.first);
            out += ':';
            write(item.second);
        });
    } else if constexpr (is_pair<T>) {
        out += '[';
        write(value.first);
        out += ',';
        write(value.second);
        out += ']';
    } else if constexpr (std::is_same_v<T, OperationBody>) {
        out += "{\"kind\":";
        write_number(out, value.index());
        out += ",\"body\":";
        std::visit(write, value);
        out += '}';
    } else {
        Writer writer{out};
        fields(writer, const_cast<T&>(value));  // The writer only reads; one field list serves both directions.
        out += '}';
    }
}

template <class T>
void from_json_value(const Json& in, T& value) {
    if constexpr (std::is_enum_v<T>) {
        value = static_cast<T>(in.get<int>());
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
        value = in.get<T>();
    } else if constexpr (std::is_same_v<T, Duration>) {
        value = Duration{in.get<std::int64_t>()};
    } else if constexpr (std::is_same_v<T, WallTime>) {
        value = WallTime{in.get<std::int64_t>()};
    } else if constexpr (is_optional<T>) {
        value.reset();
        if (!in.is_null()) from_json_value(in, value.emplace());
    } else if constexpr (is_list<T>) {
        value.clear();
        for (const auto& item : in.get_ref<const Json::array_t&>()) from_json_value(item, value.emplace_back());
    } else if constexpr (is_set<T>) {
        value.clear();
        for (const auto& item : in.get_ref<const Json::array_t&>()) {
            typename T::value_type one;
            from_json_value(item, one);
            value.insert(std::move(one));
        }
    } else if constexpr (is_map<T>) {
        value.clear();
        for (const auto& [key, item] : in.get_ref<const Json::object_t&>()) from_json_value(item, value[key]);
    } else if constexpr (is_pair<T>) {
        from_json_value(in.at(0), value.first);
        from_json_value(in.at(1), value.second);
    } else if constexpr (std::is_same_v<T, OperationBody>) {
        read_body(in.at("body"), in.at("kind").get<std::size_t>(), value);
    } else {
        Reader reader{in};
        fields(reader, value);
    }
}

template <std::size_t Index>
void read_body(const Json& in, std::size_t index, OperationBody& body) {
    if constexpr (Index < std::variant_size_v<OperationBody>) {
        if (index != Index) return read_body<Index + 1>(in, index, body);
        from_json_value(in, body.emplace<Index>());
    } else {
        throw Json::other_error::create(501, "no such operation", &in);
    }
}

template <class T>
void Writer::operator()(const char* name, const T& value) {
    out += std::exchange(before, ',');
    out.append(1, '"').append(name).append("\":");
    write_value(out, value);
}
template <class T>
void Reader::operator()(const char* name, T& value) const {
    from_json_value(in.at(name), value);
}

template <class T>
std::string encode(const T& value) {
    std::string text;
    write_value(text, value);
    return text;
}

template <class T>
Result<T> decode(std::string_view text) {
    try {
        T value{};
        from_json_value(Json::parse(text), value);
        return value;
    } catch (const Json::exception& error) {
        return fail(ErrorCode::invalid, "a record of the journal can't be read: {}", error.what());
    }
}

}  // namespace medic::codec
