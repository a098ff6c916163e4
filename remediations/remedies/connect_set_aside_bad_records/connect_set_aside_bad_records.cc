#include "remediations/remedies/connector_change.h"

// A sink's task can't convert or transform a record: the connector gets a dead letter queue (KIP-298), so that this
// record and others like it are set aside whole, with where they came from in their headers, and the rest flows.
// Connect asks its tolerance around converters and transforms; around put() only where the connector reports records
// itself (ErrantRecordReporter), which can't be seen from outside: there it would be in vain. Where several records in
// a row are refused it isn't the records that are wrong, and a queue would only hide what is.
namespace medic::remedies::connect_set_aside_bad_records {
namespace {

constexpr std::int64_t records_max = 2;  // Different ones that ended the task within the last hour.
constexpr std::string_view name_place = "{connector}";

Subject connector_in(const Diagnosis& diagnosis) {
    return subject_in(diagnosis, "connector", parameter(diagnosis, "connector").value_or(""));
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    return connector_facts(connector_in(diagnosis));
}

std::string topic_for(const std::string& connector, std::string pattern) {
    if (const auto at = pattern.find(name_place); at != std::string::npos)
        pattern.replace(at, name_place.size(), connector);
    return pattern;
}

Status may_be_set_aside(const Diagnosis& diagnosis, const PlanningView& view, const Subject& connector) {
    if (view.cluster.dead_letters.empty())
        return fail(ErrorCode::invalid,
                    "no topic for dead letters is configured (clusters.{}.connect.dead_letters in medic.yaml)",
                    view.cluster.name);
    if (parameter(diagnosis, "failing_in").value_or("") != "conversion")
        return fail(ErrorCode::invalid,
                    "task {} fails in put(), or where is not known: errors.tolerance covers converters and transforms, "
                    "so that a dead letter queue would be in vain",
                    diagnosis.subject.name);
    if (const auto records = number(diagnosis, "failing_records"); records && *records > records_max)
        return fail(ErrorCode::invalid,
                    "{} different records have ended task {} within an hour: it is not the records that are wrong",
                    *records, diagnosis.subject.name);
    return must_be_sink(view, connector, "have a dead letter queue");
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const std::string name, parameter(diagnosis, "connector"));
    const Subject connector = connector_in(diagnosis);
    MEDIC_CHECK(may_be_set_aside(diagnosis, view, connector));
    MEDIC_TRY(const auto tolerance, setting(view, connector, "errors.tolerance"));
    if (tolerance == "all")
        return fail(ErrorCode::invalid, "connector {} tolerates bad records already and fails all the same", name);
    MEDIC_TRY(const auto queue, setting(view, connector, "errors.deadletterqueue.topic.name"));
    const std::string topic = queue && !queue->empty() ? *queue : topic_for(name, view.cluster.dead_letters);
    MEDIC_TRY(const ConnectorChange change, connector_change(view, connector,
                                                             {{"errors.tolerance", "all"},
                                                              {"errors.deadletterqueue.topic.name", topic},
                                                              {"errors.deadletterqueue.context.headers.enable", "true"},
                                                              {"errors.log.enable", "true"}}));
    Plan result;
    result.summary = fmt::format("{} can't convert a record: set such records aside in {}", name, topic);
    Step set = change_settings(connector, {.values = change.set, .from = change.from, .to = change.to});
    set.text = fmt::format("give {} the dead letter queue {}", name, topic);
    set.undo = "put back the settings that stood there";
    result.steps = {set, restart_what_is_failed(connector, change.to)};
    Step back = change_settings(connector, {.values = change.back, .from = change.to, .to = change.from});
    back.text = fmt::format("put back what stood in the settings of {}", name);
    back.undo = set.text;
    result.undo_steps = {back};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "connect.set-aside-bad-records",
            .what = "gives a sink that can't convert a record a dead letter queue, so that the rest flows",
            .destroys = Destroys::availability,
            .cures = {{"connect.poison-record", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::connect_set_aside_bad_records
