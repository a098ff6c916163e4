#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "remediations/remedies/parts.h"

// A client (or user) that overloads a broker gets a quota (producer_byte_rate), which Kafka holds it to on each broker.
// How much: handlers' time goes roughly with the bytes that they take in, so at BYTES × busy_wanted / BUSY the broker
// has its headroom back. What of that the others don't use is the client's; never less than its fair share of it, an
// equal part for each that writes: from there on it is not this client that is too much.
// What stood there is set again if it has no effect; a person lifts it when the client is mended.
namespace medic::remedies::kafka_throttle_client {
namespace {

constexpr std::string_view quota = "producer_byte_rate";
// Kafka's documentation sees trouble where handlers are idle for less than 0.3 of their time …
constexpr double idle_healthy = 0.3;
// … and the time falls more slowly than the bytes: requests that wait are many in one, those that come at once are not.
constexpr double busy_wanted = 0.5;
constexpr double worth_it = 0.9;    // A quota that takes less than a tenth of its rate changes nothing.
constexpr double rate_slack = 1.1;  // The broker's rate is a mean of eleven windows that are not quite full.
// The collector reads quotas every third look, the broker's idle ratio is a mean over a minute.
constexpr Duration felt_within{4 * 60'000};
constexpr Duration seen_within{60'000};

struct Noisy {
    Subject subject;  // client/ID or user/NAME.
    AlterClientQuota entity;
    Subject broker;
    double rate = 0, broker_rate = 0, busy = 0, producers = 0, brokers = 0;
};

// Ids that clients have when nobody gave them one: of the Java client, librdkafka, sarama, franz-go, kafka-python and
// Kafka's console tool. Many applications share them.
constexpr std::array nobodys = {"producer-", "rdkafka", "sarama", "kgo", "kafka-python-producer-", "console-producer"};
// A Connect worker's tasks write as connector-producer-…, the worker itself as GROUP-configs and so on (clientIdBase in
// ConnectUtils): without its own topics every connector stands still. And this agent.
constexpr std::array internal = {"connector-producer-", "streammedic"};
constexpr std::array of_workers = {"-configs", "-offsets", "-statuses", "-leader"};

Status may_be_throttled(const Noisy& noisy) {
    const std::string& name = noisy.subject.name;
    const auto begins = [&](const char* prefix) { return name.starts_with(prefix); };
    const auto ends = [&](const char* suffix) { return name.ends_with(suffix); };
    // The page shows others quoted or encoded: not the name that Kafka knows.
    const bool plain = std::ranges::all_of(
        name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; });
    if (name.empty() || !plain) return fail(ErrorCode::invalid, "the name {} is not sure to be Kafka's", name);
    if (noisy.subject.kind == "user" && name == "ANONYMOUS")
        return fail(ErrorCode::invalid, "user ANONYMOUS is everybody who does not log in");
    if (noisy.subject.kind == "client" && std::ranges::any_of(nobodys, begins))
        return fail(ErrorCode::invalid, "{} is a default client.id that many may share: give the client its own", name);
    if (noisy.subject.kind == "client" &&
        (std::ranges::any_of(internal, begins) || std::ranges::any_of(of_workers, ends)))
        return fail(ErrorCode::invalid, "{} belongs to Connect or to this agent", name);
    return {};
}

Result<Noisy> noisy_of(const Diagnosis& diagnosis) {
    Noisy noisy;
    const auto client = parameter(diagnosis, "client"), user = parameter(diagnosis, "user");
    if (!client && !user) return std::unexpected(client.error());
    noisy.subject = client ? subject_in(diagnosis, "client", *client) : subject_in(diagnosis, "user", *user);
    (client ? noisy.entity.client_id : noisy.entity.user) = noisy.subject.name;
    MEDIC_CHECK(may_be_throttled(noisy));
    MEDIC_TRY(const std::string broker, parameter(diagnosis, "broker"));
    noisy.broker = subject_in(diagnosis, "broker", broker);
    const auto take = [&](const char* name, double& value) -> Status {
        MEDIC_TRY(const std::int64_t given, number(diagnosis, name));
        if (given <= 0) return fail(ErrorCode::invalid, "{} is {}", name, given);
        value = static_cast<double>(given);
        return {};
    };
    MEDIC_CHECK(take("bytes_per_second", noisy.rate));
    MEDIC_CHECK(take("broker_bytes_per_second", noisy.broker_rate));
    MEDIC_CHECK(take("busy_percent", noisy.busy));
    MEDIC_CHECK(take("producers", noisy.producers));
    MEDIC_CHECK(take("brokers", noisy.brokers));
    noisy.busy /= 100;
    return noisy;
}

double proposed(const Noisy& noisy) {
    const double bearable = noisy.broker_rate * busy_wanted / noisy.busy;
    const double left_by_others = bearable - (noisy.broker_rate - noisy.rate);
    return std::floor(std::max(left_by_others, bearable / noisy.producers));
}

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    const auto noisy = noisy_of(diagnosis);
    if (!noisy) return {};
    return {quota_key(noisy->subject, quota)};
}

Step step_of(const Noisy& noisy, std::optional<double> value) {
    const std::string who = noisy.subject.kind + " " + noisy.subject.name;
    const FactKey key = quota_key(noisy.subject, quota);
    Step step{.subject = noisy.subject,
              .text = value ? fmt::format("hold {} to {:.0f} bytes/s on each broker", who, *value)
                            : fmt::format("take the quota of {} away again", who)};
    AlterClientQuota change = noisy.entity;
    change.set[std::string(quota)] = value;
    step.operation = std::move(change);
    step.idempotent = true;
    step.done = {value ? equals(key.subject, key.name, *value)
                       : text_in(key.subject, key.name, {std::string(no_quota)})};
    step.expectation = {.all = step.done, .within = seen_within};
    step.risk = Risk::disruptive;
    step.destroys = Destroys::availability;  // Its records wait in the client, whose buffer is bounded.
    step.object = noisy.subject.kind + ":" + noisy.subject.name;
    return step;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const Noisy noisy, noisy_of(diagnosis));
    const FactKey key = quota_key(noisy.subject, quota);
    const Fact* set = view.fact(key);
    if (set == nullptr || !set->known())
        return fail(ErrorCode::not_ready, "it is not known what {} is held to", noisy.subject.name);
    const std::optional<double> before = set->value;
    const double after = proposed(noisy);
    if (after >= worth_it * noisy.rate)
        return fail(ErrorCode::invalid, "{} has little more than its share: {:.0f} of {:.0f} bytes/s",
                    noisy.subject.name, noisy.rate, noisy.broker_rate);
    if (before && *before <= after)
        return fail(ErrorCode::invalid, "{} is held to {:.0f} bytes/s already", noisy.subject.name, *before);

    Step hold = step_of(noisy, after), back = step_of(noisy, before);
    hold.precondition = {before ? equals(key.subject, key.name, *before)
                                : text_in(key.subject, key.name, {std::string(no_quota)})};
    const std::string series = "kafka_" + noisy.subject.kind + "_produce_bytes_per_second";
    hold.expectation.all.push_back(at_most(noisy.subject, series, rate_slack * after * noisy.brokers));
    hold.expectation.all.push_back(at_least(noisy.broker, "kafka_broker_request_handler_idle_ratio", idle_healthy));
    hold.expectation.within = felt_within;
    hold.undo = back.text;
    back.undo = hold.text;
    back.precondition = hold.done;  // Another quota is a person's, who has set it meanwhile.
    Plan result;
    result.summary = fmt::format("{} {} overloads broker {}: hold it to {:.0f} bytes/s on each broker ({:.0f} now)",
                                 noisy.subject.kind, noisy.subject.name, noisy.broker.name, after, noisy.rate);
    result.steps = {std::move(hold)};
    result.undo_steps = {std::move(back)};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "kafka.throttle-client",
            .what =
                "holds a client that overloads a broker to a quota: what others leave of its headroom, and never less "
                "than its fair share",
            .destroys = Destroys::availability,
            .cures = {{"kafka.noisy-client", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_throttle_client
