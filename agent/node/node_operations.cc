// Commands of nodes' drivers, each key once.
#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "agent/base/foreign_json_internal.h"
#include "agent/base/redact.h"
#include "agent/node/node_service_internal.h"

namespace medic {
namespace {

using Json = nlohmann::json;

constexpr std::size_t body_bytes_max = 64 * 1024;
constexpr std::size_t key_bytes_max = 256;
constexpr std::size_t value_bytes_max = 1'024;
constexpr std::size_t said_bytes_max = 4'000;
constexpr std::size_t running_max = 4;  // Side by side; every node runs one at a time.

bool is_number(const std::string& text) {
    constexpr std::size_t digits_max = 18;
    return !text.empty() && text.size() <= digits_max &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_printable(const std::string& text, std::size_t bytes_max) {
    return !text.empty() && text.size() <= bytes_max &&
           std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

struct Value {
    std::string_view name;
    bool number;
};
// What an action's command may be filled with, and must.
std::vector<Value> values_of(const std::string& action) {
    if (action == "kill_task") return {{"connector", false}, {"task", true}};
    if (action == "grow") return {{"log_dir", false}, {"bytes", true}};
    return {};
}

Result<std::map<std::string, std::string>> read_values(const Json& body, const std::string& action) {
    const auto wanted = values_of(action);
    static const Json none = Json::object();
    const Json* sent = json_member(body, "values");
    const Json& given = sent == nullptr ? none : *sent;
    if (!given.is_object() || given.size() != wanted.size())
        return fail(ErrorCode::invalid, "values: {} takes exactly {} of them", action, wanted.size());
    std::map<std::string, std::string> values;
    for (const auto& [name, number] : wanted) {
        const auto found = given.find(name);
        if (found == given.end() || !found->is_string())
            return fail(ErrorCode::invalid, "values: expected `{}` as a text", name);
        const std::string text = found->get<std::string>();
        if (number ? !is_number(text) : !is_printable(text, value_bytes_max))
            return fail(ErrorCode::invalid, "values: `{}` can't be used: expected {}", name,
                        number ? "a number" : "a printable text of at most 1024 bytes");
        values[std::string(name)] = text;
    }
    return values;
}

HttpResponse told(const std::string& key, const Result<std::string>& outcome) {
    if (outcome) {
        const Json body = {{"schema", 1}, {"key", key}, {"outcome", "done"}, {"detail", *outcome}};
        return {.status = 200,
                .body = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
                .content_type = "application/json",
                .headers = {}};
    }
    const std::string& message = outcome.error().message;
    switch (outcome.error().code) {
        case ErrorCode::invalid: return node_problem(400, message);
        case ErrorCode::not_ready: return node_problem(409, message);
        case ErrorCode::unavailable: return node_problem(503, message);
        default: return node_problem(500, message);
    }
}

}  // namespace

struct NodeService::State::Order {
    BookedOperation booked;
    std::vector<std::string> argv;
    Duration timeout{0};

    [[nodiscard]] NodeName node_name() const { return {booked.cluster, booked.node}; }
    [[nodiscard]] std::string running_name() const { return booked.cluster + "/" + booked.key; }
};

Result<NodeService::State::Order> NodeService::State::read_order(const HttpRequest& request) const {
    if (request.body.size() > body_bytes_max)
        return fail(ErrorCode::invalid, "a body of at most {} bytes is read", body_bytes_max);
    const Json body = foreign_json(request.body);
    if (!body.is_object()) return fail(ErrorCode::invalid, "expected a JSON object with `key` and `fencing_token`");
    Order order;
    const Json* cluster = json_member(body, "cluster");
    if (cluster != nullptr && !cluster->is_string()) return fail(ErrorCode::invalid, "cluster: expected a text");
    MEDIC_TRY(const Found found,
              find(request.segments[3], cluster == nullptr ? std::string() : cluster->get<std::string>()));
    const std::string& action = request.segments[4];
    const auto command = found.node->driver.commands.find(action);
    if (command == found.node->driver.commands.end())
        return fail(ErrorCode::invalid, "node {}: its driver here has no `{}`", found.node->name, action);
    const Json* key = json_member(body, "key");
    if (key == nullptr || !key->is_string() || !is_printable(key->get_ref<const std::string&>(), key_bytes_max))
        return fail(ErrorCode::invalid, "key: expected a printable text of at most {} bytes", key_bytes_max);
    const Json* token = json_member(body, "fencing_token");
    if (token == nullptr || !token->is_number_unsigned() ||
        token->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return fail(ErrorCode::invalid, "fencing_token: expected a number, 0 without a lease");
    order.timeout = found.node->driver.command_timeout;
    if (const auto given = body.find("timeout_ms"); given != body.end()) {
        constexpr std::uint64_t timeout_ms_max = 3'600'000;
        if (!given->is_number_unsigned() || given->get<std::uint64_t>() == 0)
            return fail(ErrorCode::invalid, "timeout_ms: expected a number from 1 on");
        order.timeout = std::min(
            order.timeout, Duration{static_cast<Duration::rep>(std::min(given->get<std::uint64_t>(), timeout_ms_max))});
    }
    MEDIC_TRY(auto values, read_values(body, action));
    order.booked = {.key = key->get<std::string>(),
                    .cluster = found.cluster,
                    .node = found.node->name,
                    .action = action,
                    .values = Json(values).dump(-1, ' ', false, Json::error_handler_t::replace),
                    .fencing_token = token->get<std::uint64_t>()};
    values["node"] = order.booked.node;
    values["fencing_token"] = std::to_string(order.booked.fencing_token);
    MEDIC_TRY(order.argv, filled(command->second, values));
    return order;
}

// One at a time for a node, a few at a time in all; given back by carry_out().
Status NodeService::State::reserve(const Order& order) {
    const std::lock_guard guard(mutex);
    if (running.contains(order.running_name()))
        return fail(ErrorCode::outcome_unknown, "key {} is still running", order.booked.key);
    if (busy.contains(order.node_name()))
        return fail(ErrorCode::unavailable, "node {} is busy with another operation", order.booked.node);
    if (running.size() >= running_max) return fail(ErrorCode::unavailable, "{} operations are running", running_max);
    running.insert(order.running_name());
    busy.insert(order.node_name());
    return {};
}

Result<std::string> NodeService::State::run(const Order& order) {
    const auto reply = parts.run({.argv = order.argv, .timeout = order.timeout, .output_bytes_max = said_bytes_max});
    if (!reply) return fail(reply.error().code, "{}", redact(reply.error().message, said_bytes_max));
    if (reply->exit_code == 0) return redact(reply->output, said_bytes_max);
    const std::string& said = reply->errors.empty() ? reply->output : reply->errors;
    // It ended by itself and says that it failed; what it has done until then only facts can tell.
    return fail(ErrorCode::unavailable, "{}: exit code {}: {}", order.argv[0], reply->exit_code, redact(said, 1'000));
}

Result<std::string> NodeService::State::carry_out(const Order& order) {
    MEDIC_CHECK(reserve(order));
    const auto booked = [&]() -> Result<std::string> {
        Result<OperationBook::Admitted> admitted = [&] {
            const std::lock_guard guard(book_mutex);
            return parts.book.admit(order.booked, parts.clock().wall);
        }();
        if (!admitted) return std::unexpected(admitted.error());
        if (admitted->known && admitted->outcome) return *admitted->outcome;
        if (admitted->known)
            return fail(ErrorCode::outcome_unknown,
                        "key {} was begun before, and how it ended was not written down: the sidecar may have been "
                        "ended meanwhile",
                        order.booked.key);
        Result<std::string> outcome = run(order);
        const std::lock_guard guard(book_mutex);
        if (const Status kept = parts.book.finish(order.booked, outcome, parts.clock().wall); !kept)
            parts.say("what came of " + order.booked.key + " could not be written down: " + kept.error().message);
        return outcome;
    }();
    const std::lock_guard guard(mutex);
    running.erase(order.running_name());
    busy.erase(order.node_name());
    return booked;
}

HttpResponse NodeService::State::operation(const HttpRequest& request) {
    const auto count = [&](std::string_view outcome) {
        const std::lock_guard guard(mutex);
        ++operations[std::string(outcome)];
    };
    const auto order = read_order(request);
    if (!order) {
        count("invalid");
        const bool missing = !find(request.segments[3], "");
        return node_problem(missing ? 404 : 400, order.error().message);
    }
    const Result<std::string> outcome = carry_out(*order);
    count(outcome ? "done" : to_string(outcome.error().code));
    parts.say(fmt::format("{} {} ({}): {}", order->booked.action, order->booked.node, order->booked.key,
                          outcome ? "done" : outcome.error().message));
    return told(order->booked.key, outcome);
}

}  // namespace medic
