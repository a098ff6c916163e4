#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "agent/store/kafka_words.h"
#include "remediations/remedies/disk_parts.h"

// The topic that fills the disk keeps its data for less time: never less than the policy's floor for that very topic,
// and never less than its slowest known reader still needs in any partition. Whoever reads without a group, or in a
// share group, is not known: that is what the floor is for.
namespace medic::remedies::kafka_cut_retention {
namespace {

// Of the log's span that the slowest reader has not read yet; doubled, since records do not come evenly. Between the
// plan and the act it may fall back a little; a part of the margin is for that.
constexpr double reader_margin = 2, reader_margin_at_act = 1.5;
// Kafka's defaults of log.retention.check.interval.ms and file.delete.delay.ms; files go one after the other, and free
// space is told by a look after that.
constexpr Duration cleaner_interval{5 * 60'000}, files_stay_for{60'000}, told_within{2 * 60'000};
constexpr std::string_view cleanup_policy = "cleanup.policy";

Subject topic_of(const Diagnosis& diagnosis) {
    const auto topic = parameter(diagnosis, "topic");
    return subject_in(diagnosis, "topic", topic ? *topic : "");
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    auto keys = log_dir_facts(diagnosis);
    const Subject topic = topic_of(diagnosis);
    keys.push_back({topic, "retention.ms"});
    keys.push_back({topic, std::string(unread_ratio_max)});
    keys.push_back({topic, std::string(cleanup_policy)});
    keys.push_back({topic, std::string(own_settings)});
    return keys;
}

// What is only compacted is kept for as long as it is the newest of its key.
Status drops_by_age(const Subject& topic, const PlanningView& view) {
    const std::string policy = told(view, {topic, std::string(cleanup_policy)});
    if (policy.empty() || lists(policy, "delete")) return {};
    return fail(ErrorCode::invalid, "topic {} is cleaned by {}: it drops nothing for its age", topic.name, policy);
}

// Which value stands there again afterwards: none where it is known to have been taken over from the brokers, whose
// later changes the topic would miss else.
std::optional<std::string> as_before(const Subject& topic, const PlanningView& view, std::int64_t before_ms) {
    const std::string own = told(view, {topic, std::string(own_settings)});
    if (!own.empty() && !lists(own, "retention.ms")) return std::nullopt;
    return std::to_string(before_ms);
}

Result<std::int64_t> retention_now(const Subject& topic, const PlanningView& view) {
    const Fact* fact = view.fact({topic, "retention.ms"});
    if (fact == nullptr || !fact->value)
        return fail(ErrorCode::not_ready, "the retention of topic {} is not known", topic.name);
    if (*fact->value <= 0) return fail(ErrorCode::invalid, "topic {} keeps its data for ever on purpose", topic.name);
    return static_cast<std::int64_t>(*fact->value);
}

// How long the slowest group still needs, in the partition where it has most to read.
Result<std::int64_t> needed_by_readers(const Subject& topic, const PlanningView& view, std::int64_t retention_ms) {
    const Fact* unread = view.fact({topic, std::string(unread_ratio_max)});
    if (unread == nullptr || !unread->value)
        return fail(ErrorCode::not_ready, "how far the readers of topic {} have come is not known", topic.name);
    return static_cast<std::int64_t>(std::ceil(reader_margin * *unread->value * static_cast<double>(retention_ms)));
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const std::string name, parameter(diagnosis, "topic"));
    const std::string object = "topic:" + name;
    const auto floor = view.floors.find(object);
    if (floor == view.floors.end()) return fail(ErrorCode::invalid, "the policy names no floor for {}", object);
    MEDIC_TRY(const LogDir dir, log_dir(diagnosis, view));
    const Subject topic = topic_of(diagnosis);
    MEDIC_CHECK(drops_by_age(topic, view));
    MEDIC_TRY(const std::int64_t before, retention_now(topic, view));
    MEDIC_TRY(const std::int64_t readers, needed_by_readers(topic, view, before));
    const std::int64_t after = std::max<std::int64_t>(floor->second.count(), readers);
    if (after >= before)
        return fail(ErrorCode::invalid, "topic {} may not keep less than {} ms and keeps {} ms", name, after, before);

    const auto set = [&](std::optional<std::string> ms) {
        return AlterConfigs{
            .resource = AlterConfigs::Resource::topic, .name = name, .set = {{"retention.ms", std::move(ms)}}};
    };
    Step step{.subject = topic,
              .text = fmt::format("keep {} for {} ms instead of {} ms", name, after, before),
              .operation = set(std::to_string(after))};
    step.idempotent = true;
    // Whoever agrees may do so long after the plan was made.
    const double unread_max = static_cast<double>(after) / (reader_margin_at_act * static_cast<double>(before));
    step.precondition = {equals(topic, "retention.ms", static_cast<double>(before)),
                         at_most(topic, std::string(unread_ratio_max), unread_max)};
    step.done = {equals(topic, "retention.ms", static_cast<double>(after))};
    step.expectation = {
        .all = {at_least(dir.subject, "kafka_log_dir_usable_bytes", free_share_wanted * dir.total_bytes)},
        .within = cleaner_interval + files_stay_for + told_within};
    step.undo = fmt::format("set retention.ms of {} back to {}; what was dropped is gone", name, before);
    step.risk = Risk::destructive;
    step.destroys = Destroys::data;
    step.object = object;
    Step back = step;
    back.text = fmt::format("keep {} for {} ms again", name, before);
    back.operation = set(as_before(topic, view, before));
    back.precondition = step.done;  // Another value is a person's, who has set it meanwhile.
    back.done = {equals(topic, "retention.ms", static_cast<double>(before))};
    back.expectation = {.all = back.done, .within = Duration{60'000}};
    back.destroys = Destroys::nothing;
    Plan result;
    result.summary = fmt::format("{} fills {} of broker {}: keep it for {} ms (floor {} ms, readers need {} ms)", name,
                                 dir.path, dir.broker, after, floor->second.count(), readers);
    result.steps = {step};
    result.undo_steps = {back};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "kafka.cut-retention",
            .what =
                "shortens the retention of the topic that fills a disk, never past the policy's floor nor the slowest "
                "reader",
            .destroys = Destroys::data,
            .cures = {{"kafka.disk-nearly-full"}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_cut_retention
