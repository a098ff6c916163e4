// Kafka Connect's REST API: restarts and pauses, which are one request, and changes of a configuration or an offset,
// which are two.
#include <nlohmann/json.hpp>

#include "agent/base/connector_settings.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/base/url.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/operations_internal.h"

namespace medic::operations {
namespace {

using Json = nlohmann::json;

// `url` is of the worker that has answered, or of the last one that was tried.
using Answered = std::function<void(const std::string& url, Result<FetchReply> reply)>;

void try_worker(const Doors& doors, std::size_t worker, FetchRequest request, const std::string& path, Answered done) {
    const std::string url = doors.cluster.connect_urls[worker] + path;
    request.url = url;
    doors.fetch(request, [doors, worker, request, path, url, done](Result<FetchReply> reply) {
        const bool never_arrived = !reply && reply.error().code == ErrorCode::unavailable;
        if (never_arrived && worker + 1 < doors.cluster.connect_urls.size())
            return try_worker(doors, worker + 1, request, path, done);
        done(url, std::move(reply));
    });
}

// `timeout` is for all workers together that it is tried at.
FetchRequest request_of(const std::string& method, Duration timeout) {
    FetchRequest request;
    request.method = method;
    request.timeout = timeout;
    request.deadline = read_clock().monotonic + timeout;
    request.headers = {{"Content-Type", "application/json"}};
    return request;
}

std::map<std::string, std::string> texts(const Json& configuration) {
    std::map<std::string, std::string> all;
    for (const auto& [name, value] : configuration.items())
        if (value.is_string()) all[name] = value.get<std::string>();
    return all;
}

std::string hash_of_json(const Json& configuration) { return hash_of(without_secrets(texts(configuration))); }

// Without the body: it may quote what it refuses.
Result<FetchReply> without_body(Result<FetchReply> reply) {
    if (reply && reply->status != 200 && reply->status != 201) reply->body = "(its text may quote settings: not kept)";
    return reply;
}

// The configuration to be written; "" when what is wanted stands there already.
Result<std::string> changed(const ChangeConnectorConfiguration& what, const std::string& body) {
    Json configuration = foreign_json(body);
    if (!configuration.is_object())
        return fail(ErrorCode::unavailable, "the configuration of {} can't be read", what.connector);
    const std::string before = hash_of_json(configuration);
    if (before == what.to) return "";
    if (before != what.from)
        return fail(ErrorCode::not_ready, "{} has other settings ({}) than those to be changed ({})", what.connector,
                    before, what.from);
    for (const auto& [name, value] : what.set) {
        if (value)
            configuration[name] = *value;
        else
            configuration.erase(name);
    }
    if (const std::string after = hash_of_json(configuration); after != what.to)
        return fail(ErrorCode::not_ready, "{} would get other settings ({}) than those that are wanted ({})",
                    what.connector, after, what.to);
    return configuration.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Where the group stands in the partition; nullopt: nothing is committed there.
Result<std::optional<std::int64_t>> committed(const AlterConnectorOffset& what, const std::string& body) {
    const Json answer = foreign_json(body);
    const Json* offsets = json_member(answer, "offsets");
    if (offsets == nullptr || !offsets->is_array())
        return fail(ErrorCode::unavailable, "the offsets of {} can't be read", what.connector);
    for (const Json& one : *offsets) {
        const Json *partition = json_member(one, "partition"), *offset = json_member(one, "offset");
        if (partition == nullptr) continue;
        const Json *topic = json_member(*partition, "kafka_topic"),
                   *number = json_member(*partition, "kafka_partition");
        if (topic == nullptr || *topic != what.topic || number == nullptr || *number != what.partition) continue;
        if (offset == nullptr || offset->is_null()) return std::nullopt;
        const Json* next = json_member(*offset, "kafka_offset");
        if (next == nullptr || !next->is_number_integer())
            return fail(ErrorCode::unavailable, "the offset of {} in {}-{} can't be read", what.connector, what.topic,
                        what.partition);
        return next->get<std::int64_t>();
    }
    return std::nullopt;
}

std::string offset_body(const AlterConnectorOffset& what) {
    return Json{{"offsets",
                 {{{"partition", {{"kafka_topic", what.topic}, {"kafka_partition", what.partition}}},
                   {"offset", {{"kafka_offset", what.to}}}}}}}
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void connect_request(const Doors& doors, const std::string& method, const std::string& path, Duration timeout,
                     Finish done) {
    if (doors.cluster.connect_urls.empty()) return done(fail(ErrorCode::invalid, "the cluster has no Connect"));
    try_worker(doors, 0, request_of(method, timeout), path,
               [method, done = std::move(done)](const std::string& url, Result<FetchReply> reply) {
                   auto good = accepted(method + " " + url, std::move(reply));
                   if (!good) return done(std::unexpected(good.error()));
                   done(fmt::format("HTTP status {}", good->status));
               });
}

void change_connector(const Doors& doors, const ChangeConnectorConfiguration& what, Duration timeout, Finish done) {
    const Duration of_each = timeout / 2;
    if (doors.cluster.connect_urls.empty()) return done(fail(ErrorCode::invalid, "the cluster has no Connect"));
    for (const auto& [name, value] : what.set)
        if (value && !may_be_kept(name, *value))
            return done(fail(ErrorCode::invalid, "the value of {} may be a secret: a person must set it", name));
    const std::string path = "/connectors/" + url_encode(what.connector) + "/config";
    try_worker(doors, 0, request_of("GET", of_each), path,
               [doors, what, of_each, path, done = std::move(done)](const std::string& url, Result<FetchReply> reply) {
                   auto read = accepted("GET " + url, without_body(std::move(reply)));
                   // Reading changes nothing: whatever has happened to it, trying again later is safe.
                   if (!read && read.error().code == ErrorCode::outcome_unknown)
                       return done(fail(ErrorCode::unavailable, "{}", read.error().message));
                   if (!read) return done(std::unexpected(read.error()));
                   auto body = changed(what, read->body);
                   if (!body) return done(std::unexpected(body.error()));
                   if (body->empty()) return done("it has these settings already");
                   FetchRequest write = request_of("PUT", of_each);
                   write.body = *std::move(body);
                   try_worker(doors, 0, std::move(write), path,
                              [done](const std::string& to, Result<FetchReply> written) {
                                  auto good = accepted("PUT " + to, without_body(std::move(written)));
                                  if (!good) return done(std::unexpected(good.error()));
                                  done(fmt::format("HTTP status {}", good->status));
                              });
               });
}

void alter_connector_offset(const Doors& doors, const AlterConnectorOffset& what, Duration timeout, Finish done) {
    const Duration of_each = timeout / 2;
    if (doors.cluster.connect_urls.empty()) return done(fail(ErrorCode::invalid, "the cluster has no Connect"));
    const std::string path = "/connectors/" + url_encode(what.connector) + "/offsets";
    try_worker(doors, 0, request_of("GET", of_each), path,
               [doors, what, of_each, path, done = std::move(done)](const std::string& url, Result<FetchReply> reply) {
                   auto read = accepted("GET " + url, std::move(reply));
                   // Reading changes nothing: trying again later is safe.
                   if (!read && read.error().code == ErrorCode::outcome_unknown)
                       return done(fail(ErrorCode::unavailable, "{}", read.error().message));
                   if (!read) return done(std::unexpected(read.error()));
                   const auto stands_at = committed(what, read->body);
                   if (!stands_at) return done(std::unexpected(stands_at.error()));
                   if (*stands_at == what.to) return done("it stands there already");
                   if (*stands_at != what.from)
                       return done(fail(ErrorCode::not_ready, "the group of {} stands at {} in {}-{}, not at {}",
                                        what.connector, *stands_at ? std::to_string(**stands_at) : "no offset",
                                        what.topic, what.partition, what.from));
                   FetchRequest write = request_of("PATCH", of_each);
                   write.body = offset_body(what);
                   try_worker(doors, 0, std::move(write), path, [done](const std::string& to, Result<FetchReply> put) {
                       auto good = accepted("PATCH " + to, std::move(put));
                       if (!good) return done(std::unexpected(good.error()));
                       done(good->body);
                   });
               });
}

}  // namespace medic::operations
