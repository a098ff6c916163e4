#include "agent/daemon/diagnosis_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/api/diagnosis_json_internal.h"
#include "agent/api/incident_view.h"
#include "agent/base/foreign_json_internal.h"

namespace medic {
namespace {

using Verdict = DiagnoseResult::Verdict;

constexpr std::array sides = {Side::user, Side::system, Side::unknown};
constexpr std::array verdicts = {Verdict::healthy, Verdict::problem, Verdict::cannot_tell};
constexpr std::array<std::string_view, 3> eyes = {"look", "agent", "bundle"};  // By SeenBy::Kind.

Json diagnosis_json(const Diagnosis& of) {
    return {{"cause", of.cause},
            {"cause_group", of.cause_group},
            {"side", to_string(of.side)},
            {"owner", of.owner},
            {"subject", to_string(of.subject)},
            {"since", rfc3339(of.since)},
            {"confidence", of.confidence},
            {"summary", of.summary},
            {"evidence", evidence_json(of.evidence)},
            {"alternatives", alternatives_json(of.alternatives)},
            {"effects", of.effects},
            {"missing", of.missing},
            {"remedies", of.remedies},
            {"facts", of.facts}};
}

Json incident_json(const OpenIncident& of) {
    return {{"id", of.id},
            {"state", of.state},
            {"waiting_for", of.waiting_for},
            {"doing", of.doing},
            {"first_failure", of.first_failure},
            {"opened_at", time_json(of.opened_at)},
            {"diagnosis", diagnosis_json(of.diagnosis)}};
}

Json findings_json(const std::vector<Finding>& findings) {
    Json list = Json::array();
    for (const Finding& one : findings)
        list.push_back({{"subject", to_string(one.subject)},
                        {"since", rfc3339(one.since)},
                        {"summary", one.summary},
                        {"facts", one.fields},
                        {"evidence", evidence_json(one.evidence)}});
    return list;
}

Json weighed_json(const Weighed& of) {
    Json diagnoses = Json::array();
    for (const Diagnosis& one : of.diagnoses) diagnoses.push_back(diagnosis_json(one));
    return {
        {"at", rfc3339(of.at)}, {"by", of.by}, {"note", of.note}, {"diagnoses", diagnoses}, {"changes", of.changes}};
}

Json seen_by_json(const SeenBy& of) {
    return {{"kind", eyes.at(static_cast<std::size_t>(of.kind))},
            {"since", time_json(of.since)},
            {"address", of.address},
            {"note", of.note}};
}

// Back again. What is not there, or of another type, is left as it is by default.
double number(const Json& of, const char* key) {
    const auto found = of.find(key);
    return found != of.end() && found->is_number() ? found->get<double>() : 0;
}

WallTime time(const Json& of, const char* key) { return read_rfc3339(text_of(of, key)).value_or(WallTime{}); }

Subject subject(const Json& of, const char* key) { return subject_of(text_of(of, key)); }

const Json& items(const Json& of, const char* key) {
    static const Json none = Json::array();
    const auto found = of.find(key);
    return found != of.end() && found->is_array() ? *found : none;
}

// The objects among the items: a stranger's document may hold anything.
template <typename Make>
auto all(const Json& of, const char* key, Make make) {
    std::vector<decltype(make(of))> list;
    for (const Json& one : items(of, key))
        if (one.is_object()) list.push_back(make(one));
    return list;
}

std::vector<std::string> texts(const Json& of, const char* key) {
    std::vector<std::string> list;
    for (const Json& one : items(of, key))
        if (one.is_string()) list.push_back(one.get<std::string>());
    return list;
}

template <typename Kind, std::size_t size>
Kind kind_of(const std::string& said, const std::array<Kind, size>& kinds, Kind otherwise) {
    const auto found = std::ranges::find_if(kinds, [&](Kind kind) { return to_string(kind) == said; });
    return found == kinds.end() ? otherwise : *found;
}

Evidence evidence(const Json& of) {
    return {text_of(of, "kind"), text_of(of, "ref"), text_of(of, "text"), number(of, "value"), time(of, "at")};
}

Alternative alternative(const Json& of) {
    return {.cause = text_of(of, "cause"),
            .side = kind_of(text_of(of, "side"), sides, Side::unknown),
            .confidence = number(of, "confidence"),
            .why_not = text_of(of, "why_not")};
}

Diagnosis diagnosis(const Json& of) {
    return {.cause = text_of(of, "cause"),
            .cause_group = text_of(of, "cause_group"),
            .side = kind_of(text_of(of, "side"), sides, Side::unknown),
            .owner = text_of(of, "owner"),
            .subject = subject(of, "subject"),
            .since = time(of, "since"),
            .confidence = number(of, "confidence"),
            .summary = text_of(of, "summary"),
            .evidence = all(of, "evidence", evidence),
            .alternatives = all(of, "alternatives", alternative),
            .effects = texts(of, "effects"),
            .missing = texts(of, "missing"),
            .remedies = texts(of, "remedies"),
            .facts = texts_of(of, "facts")};
}

OpenIncident incident(const Json& of) {
    const auto found = of.find("diagnosis");
    return {.id = text_of(of, "id"),
            .state = text_of(of, "state"),
            .waiting_for = text_of(of, "waiting_for"),
            .doing = text_of(of, "doing"),
            .first_failure = text_of(of, "first_failure"),
            .opened_at = time(of, "opened_at"),
            .diagnosis = found != of.end() && found->is_object() ? diagnosis(*found) : Diagnosis{}};
}

Finding planned(const Json& of) {
    Finding one;
    one.id = "planned-work";
    one.subject = subject(of, "subject");
    one.since = time(of, "since");
    one.summary = text_of(of, "summary");
    one.fields = texts_of(of, "facts");
    one.evidence = all(of, "evidence", evidence);
    return one;
}

Symptom symptom(const Json& of) {
    return {.id = text_of(of, "id"),
            .subject = subject(of, "subject"),
            .since = time(of, "since"),
            .value = number(of, "value"),
            .summary = text_of(of, "summary"),
            .labels = {}};
}

SeenBy seen_by(const Json& of) {
    SeenBy by;
    const auto kind = std::ranges::find(eyes, text_of(of, "kind"));
    if (kind != eyes.end()) by.kind = static_cast<SeenBy::Kind>(kind - eyes.begin());
    by.since = time(of, "since");
    by.address = text_of(of, "address");
    by.note = text_of(of, "note");
    return by;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::healthy: return "healthy";
        case Verdict::problem: return "problem";
        case Verdict::cannot_tell: break;
    }
    return "cannot_tell";
}

std::string diagnosis_document(const DiagnoseResult& result, const std::string& watched) {
    Json diagnoses = Json::array(), incidents = Json::array(), symptoms = Json::array(), blind = Json::array();
    for (std::size_t i = 0; i < result.report.diagnoses.size(); ++i) {
        const Diagnosis& of = result.report.diagnoses[i];
        Json one = diagnosis_json(of);
        one["by_itself"] = i < result.by_itself.size() ? result.by_itself[i] : "";
        const auto known =
            std::ranges::find_if(result.incidents, [&](const OpenIncident& open) { return open.is_of(of); });
        one["incident"] = known == result.incidents.end() ? Json() : Json(known->id);
        diagnoses.push_back(std::move(one));
    }
    for (const OpenIncident& one : result.incidents) incidents.push_back(incident_json(one));
    for (const Symptom& one : result.symptoms)
        symptoms.push_back({{"id", one.id},
                            {"subject", to_string(one.subject)},
                            {"since", rfc3339(one.since)},
                            {"value", one.value},
                            {"summary", one.summary}});
    for (const BlindSpot& one : result.blind) blind.push_back({{"target", one.target}, {"why", one.why}});
    Json document{{"schema", 1},
                  {"verdict", to_string(result.verdict)},
                  {"at", rfc3339(result.report.at)},
                  {"seen_by", seen_by_json(result.seen_by)},
                  {"targets", result.targets},
                  {"diagnoses", diagnoses},
                  {"incidents", incidents},
                  {"planned_work", findings_json(result.report.planned)},
                  {"symptoms", symptoms},
                  {"not_visible", blind},
                  {"unobserved", result.unobserved}};
    if (!watched.empty()) document["watched"] = watched;
    if (result.weighed_anew) document["weighed_anew"] = weighed_json(*result.weighed_anew);
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<DiagnoseResult> read_diagnosis_document(std::string_view said) {
    const Json document = foreign_json(said);
    if (!document.is_object() || number(document, "schema") != 1)
        return fail(ErrorCode::invalid, "no diagnosis of schema 1");
    DiagnoseResult result;
    result.verdict = kind_of(text_of(document, "verdict"), verdicts, Verdict::cannot_tell);
    result.report.at = time(document, "at");
    if (const auto by = document.find("seen_by"); by != document.end() && by->is_object())
        result.seen_by = seen_by(*by);
    result.targets = static_cast<std::size_t>(std::max(0.0, number(document, "targets")));
    for (const Json& one : items(document, "diagnoses")) {
        if (!one.is_object()) continue;
        result.report.diagnoses.push_back(diagnosis(one));
        result.by_itself.push_back(text_of(one, "by_itself"));
    }
    result.incidents = all(document, "incidents", incident);
    result.report.planned = all(document, "planned_work", planned);
    result.symptoms = all(document, "symptoms", symptom);
    result.blind = all(document, "not_visible",
                       [](const Json& one) { return BlindSpot{text_of(one, "target"), text_of(one, "why")}; });
    result.unobserved = texts(document, "unobserved");
    return result;
}

std::string watched_of_document(std::string_view said) {
    const Json document = foreign_json(said);
    return document.is_object() ? text_of(document, "watched") : "";
}

std::string watched_by(const Config& config) {
    std::string all;
    for (const ClusterConfig& cluster : config.clusters) {
        all += cluster.name + "\n";
        for (const auto* list : {&cluster.kafka.bootstrap, &cluster.connect_urls, &cluster.flink_urls})
            for (const std::string& one : *list) all += one + "\n";
        all += cluster.prometheus.url + cluster.prometheus.match + "\n";
        for (const PageConfig& page : cluster.pages) all += page.url + "\n";
        for (const NodeConfig& node : cluster.nodes) all += node.name + "\n";
    }
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: the same in every build. Nothing rests on its strength.
    for (const char c : all) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return fmt::format("{:016x}", hash);
}

std::vector<OpenIncident> open_incidents(const std::vector<Incident>& incidents) {
    std::vector<OpenIncident> open;
    for (const Incident& one : incidents)
        if (!one.ended())
            open.push_back({.id = one.id,
                            .state = std::string(to_string(one.state)),
                            .waiting_for = one.waiting_for,
                            .doing = one.plan ? one.plan->summary : "",
                            .first_failure = one.first_failure,
                            .opened_at = one.opened_at,
                            .diagnosis = one.diagnosis});
    return open;
}

}  // namespace medic
