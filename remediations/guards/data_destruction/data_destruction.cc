#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "remediations/guards/guard.h"

// Data goes only where the policy names the very object and a floor. No wildcard, no default. Records that an operation
// names one by one stay in their topic and never reach whom they are for: a policy that names the object, or a person
// who was told which, is enough, and a floor, which is an age, says nothing about them. Records that nobody can name go
// only when a person has agreed, whatever a policy says.
namespace medic::guards::data_destruction {
namespace {

constexpr std::int64_t named_records_max = 1;

std::optional<Refusal> refuse(Refusal::Kind kind, std::string why) {
    return Refusal{"data-destruction", std::move(why), kind, {}};
}

// For how long the topic would keep its data; nullopt: that can't be told.
std::optional<Duration> kept_for(const AlterConfigs& alter) {
    const auto set = alter.set.find("retention.ms");
    // Any other setting that destroys data does so whatever its age.
    if (set == alter.set.end() || alter.set.size() != 1 || !set->second) return std::nullopt;
    const std::string& text = *set->second;
    std::int64_t ms = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), ms);
    if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return ms < 0 ? Duration::max() : Duration{ms};  // Kafka's -1: for ever.
}

// How old the transaction must be when it is aborted; nullopt: the step does not say.
std::optional<Duration> aborted_after(const Step& step, const AbortTransaction& abort) {
    const Subject transaction =
        transaction_subject(partition_subject(step.subject.cluster, abort.topic, abort.partition), abort.producer_id,
                            abort.producer_epoch, abort.start_offset);
    const auto age = std::ranges::find_if(step.precondition, [&](const Condition& one) {
        return one.is == Condition::Is::at_least && one.fact.subject == transaction &&
               one.fact.name == "kafka_partition_hanging_transaction_seconds";
    });
    if (age == step.precondition.end()) return std::nullopt;
    constexpr double ms_per_second = 1'000, rounding_ms = 0.5;
    return Duration{static_cast<std::int64_t>(age->value * ms_per_second + rounding_ms)};
}

// The plan was made with a floor, perhaps with another one: what leaves must keep to that of the rule that decides.
std::optional<Refusal> below(Duration floor, const GuardQuestion& question) {
    const Step& step = question.step;
    std::optional<Duration> age;
    if (const auto* alter = std::get_if<AlterConfigs>(&step.operation))
        age = kept_for(*alter);
    else if (const auto* abort = std::get_if<AbortTransaction>(&step.operation))
        age = aborted_after(step, *abort);
    else
        return std::nullopt;
    if (!age)
        return refuse(Refusal::Kind::never, fmt::format("it is not known how old the data of {} is that would go, and "
                                                        "the policy's floor is {} ms",
                                                        step.object, floor.count()));
    if (*age >= floor) return std::nullopt;
    return refuse(Refusal::Kind::never, fmt::format("data of {} would go that is {} ms old, and the policy's floor is "
                                                    "{} ms",
                                                    step.object, age->count(), floor.count()));
}

std::optional<Refusal> object(const GuardQuestion& question) {
    const Step& step = question.step;
    if (step.destroys != Destroys::data) return std::nullopt;
    if (step.object.empty()) return refuse(Refusal::Kind::never, "it is not known whose data would go");
    if (const auto records = records_passed_over(step.operation)) {
        if (*records > named_records_max)
            return refuse(Refusal::Kind::never, std::to_string(*records) + " records would go at once");
        if (question.policy.names_object || is_approved(question)) return std::nullopt;
        return refuse(Refusal::Kind::needs_approval, "the policy does not name " + step.object);
    }
    // Which records these are nobody knows beforehand, and none is old: a floor protects nothing.
    if (loses_unnamed_records(step.operation)) {
        if (is_approved(question)) return std::nullopt;
        return refuse(Refusal::Kind::needs_approval,
                      "records of " + step.object + " would be lost that nobody can name");
    }
    if (!question.policy.names_object) return refuse(Refusal::Kind::never, "the policy does not name " + step.object);
    if (!question.policy.floor) return refuse(Refusal::Kind::never, "the policy gives no floor for " + step.object);
    return below(*question.policy.floor, question);
}

}  // namespace

Guard descriptor() { return {"data-destruction", "data only where the policy names object and floor", object}; }

}  // namespace medic::guards::data_destruction
