#include "agent/notify/notifier.h"

#include <fmt/format.h>

#include <fstream>

#include "agent/base/base64.h"
#include "agent/base/plain_text.h"
#include "agent/base/redact.h"
#include "agent/notify/payload.h"
#include "agent/world/real/command.h"
#include "agent/world/real/url.h"

namespace medic {
namespace {

constexpr Duration deliver_within{10'000};
constexpr Duration look_every{500};
constexpr std::size_t answer_bytes_max = 64 * 1024;
constexpr std::size_t value_bytes_max = 400;  // Of a value in an argument, and of what an answer says.
constexpr int heartbeats_missed = 3;          // Then the watchdog's alert ends by itself.

bool keeps_alerts(const NotifyConfig& config) { return config.kind == "alertmanager"; }

std::vector<DeskReceiver> seats_of(const std::vector<NotifyConfig>& receivers) {
    std::vector<DeskReceiver> seats;
    for (const NotifyConfig& one : receivers)
        if (!one.heartbeat)
            seats.push_back({.name = one.name,
                             .for_owner = one.for_owner,
                             .per_minute = static_cast<std::size_t>(one.per_minute),
                             .fold_from = static_cast<std::size_t>(one.fold_from),
                             .keeps_alerts = keeps_alerts(one)});
    return seats;
}

// Read at each use, so that a renewed secret counts at once. An error never holds what the file holds.
Result<std::string> first_line(const std::string& path) {
    std::ifstream in(path);
    std::string line;
    if (!in || !std::getline(in, line)) return fail(ErrorCode::unavailable, "{}: can't be read, or is empty", path);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    return line;
}

Result<FetchRequest> request_to(const NotifyConfig& config, std::shared_ptr<const HttpAccess> access) {
    FetchRequest request{.method = "POST", .timeout = deliver_within, .body_bytes_max = answer_bytes_max};
    request.access = std::move(access);
    request.url = config.url;
    if (!config.url_file.empty()) {
        MEDIC_TRY(request.url, first_line(config.url_file));
    }
    if (request.access && request.access->tls && !request.url.starts_with("https://"))
        return fail(ErrorCode::invalid, "its address is plain HTTP and it has `tls`: expected https://");
    if (keeps_alerts(config)) request.url += "/api/v2/alerts";
    if (!config.token_file.empty()) {
        MEDIC_TRY(const std::string token, first_line(config.token_file));
        request.headers.emplace_back("Authorization", "Bearer " + token);
    } else if (!config.username.empty()) {
        MEDIC_TRY(const std::string password, first_line(config.password_file));
        request.headers.emplace_back("Authorization", "Basic " + to_base64(config.username + ":" + password));
    }
    return request;
}

// A receiver's address may be a secret: errors name the receiver, not the URL.
std::string without_url(std::string text, const std::string& url) {
    const std::string shown = shown_url(url);
    if (const auto at = text.find(shown); at != std::string::npos) text.replace(at, shown.size(), "its address");
    return redact(text);
}

// Of what a receiver says. Redacted before it is cut: half an address no longer shows that it holds a login.
std::string told(const std::string& said) { return shortened(redact(said), value_bytes_max); }

// 408 and 429 ask to come again; any other 4xx means this message.
DispatchOutcome outcome_of(int status) {
    if (status >= 200 && status < 300) return DispatchOutcome::delivered;
    const bool refused = status >= 400 && status < 500 && status != 408 && status != 429;
    return refused ? DispatchOutcome::refused : DispatchOutcome::failed;
}

// What is filled in comes from outside and is shortened; what is configured is passed on as it stands.
std::string filled(std::string text, const std::vector<std::pair<std::string_view, std::string>>& values) {
    for (const auto& [name, whole] : values) {
        const std::string value = shortened(whole, value_bytes_max);
        for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size())
            text.replace(at, name.size(), value);
    }
    return text;
}

}  // namespace

Notifier::Notifier(NotifierParts parts)
    : parts_(std::move(parts)), desk_(seats_of(parts_.receivers), parts_.desk), started_(parts_.clock().wall) {
    for (const NotifyConfig& one : parts_.receivers) {
        Target target{.config = one, .access = nullptr};
        if (one.access != HttpAccess{}) target.access = std::make_shared<const HttpAccess>(one.access);
        (one.heartbeat ? hearts_ : targets_).push_back(std::move(target));
    }
}

void Notifier::restore(const std::vector<DeliveryRow>& told, const std::vector<Incident>& incidents) {
    desk_.restore(told, incidents, parts_.clock());
}

void Notifier::start() {
    if (!targets_.empty()) parts_.reactor.every(look_every, look_every, [this] { pass(); });
    for (const Target& heart : hearts_)
        parts_.reactor.every(heart.config.every, Duration{0}, [this, &heart] { beat(heart); });
}

void Notifier::update(const std::vector<Incident>& incidents) {
    std::vector<DeliveryRow> rows;
    for (const Incident& incident : incidents) {
        auto owed = desk_.update(incident, parts_.clock());
        rows.insert(rows.end(), std::make_move_iterator(owed.begin()), std::make_move_iterator(owed.end()));
    }
    if (!rows.empty()) parts_.journal(std::move(rows));
}

void Notifier::notice(const std::string& text) { desk_.notice(text, parts_.clock()); }

void Notifier::pass() {
    for (const Dispatch& dispatch : desk_.due(parts_.clock())) send(dispatch);
}

MessageContext Notifier::context_for(const Target& target) const {
    return {.api_url = parts_.api_url,
            .config_path = parts_.config_path,
            .links = parts_.links,
            .receiver = target.config.name,
            .now = parts_.clock().wall};
}

void Notifier::send(const Dispatch& dispatch) {
    const Target& target = targets_[dispatch.receiver];
    const MessageContext context = context_for(target);
    if (target.config.kind == "command") return run(dispatch, target, context);
    if (keeps_alerts(target.config)) {
        AlertsPayload payload = payload_alerts(dispatch, context);
        return post(dispatch, target, std::move(payload.body), std::move(payload.labels));
    }
    post(dispatch, target, target.config.text ? payload_text(dispatch, context) : payload_json(dispatch, context), {});
}

void Notifier::run(const Dispatch& dispatch, const Target& target, const MessageContext& context) {
    const Incident* incident = dispatch.kind == Dispatch::Kind::incident ? dispatch.news[0].incident.get() : nullptr;
    const std::vector<std::pair<std::string_view, std::string>> values = {
        {"{title}", payload_title(dispatch, context)},
        {"{incident}", incident != nullptr ? incident->id : ""},
        {"{event}", incident != nullptr ? std::string(to_string(dispatch.news[0].event)) : ""},
        {"{owner}", incident != nullptr ? incident->diagnosis.owner : ""}};
    CommandRequest request{.argv = {}, .timeout = deliver_within, .output_bytes_max = answer_bytes_max, .input = ""};
    for (const std::string& argument : target.config.command) request.argv.push_back(filled(argument, values));
    request.input = target.config.text ? payload_text(dispatch, context) : payload_json(dispatch, context) + "\n";
    run_command(parts_.reactor, std::move(request), [this, dispatch](const Result<CommandReply>& reply) {
        const bool delivered = reply && reply->exit_code == 0;
        finish(dispatch, delivered ? DispatchOutcome::delivered : DispatchOutcome::failed, {},
               delivered ? ""
               : reply   ? fmt::format("its command ended with {}: {}", reply->exit_code, told(reply->errors))
                         : redact(reply.error().message));
    });
}

void Notifier::post(const Dispatch& dispatch, const Target& target, std::string body, std::vector<std::string> labels) {
    auto request = request_to(target.config, target.access);
    if (!request) return finish(dispatch, DispatchOutcome::failed, labels, request.error().message);
    request->body = std::move(body);
    request->headers.emplace_back("Content-Type",
                                  target.config.text ? "text/plain; charset=utf-8" : "application/json");
    request->headers.emplace_back("Idempotency-Key", dispatch.key);
    const std::string url = request->url;
    parts_.fetcher.fetch(
        *std::move(request), [this, dispatch, url, labels = std::move(labels)](const Result<FetchReply>& reply) {
            if (!reply)
                return finish(dispatch, DispatchOutcome::failed, labels, without_url(reply.error().message, url));
            const DispatchOutcome outcome = outcome_of(reply->status);
            finish(dispatch, outcome, labels,
                   outcome == DispatchOutcome::delivered
                       ? ""
                       : fmt::format("it answers HTTP status {}: {}", reply->status, told(reply->body)));
        });
}

void Notifier::finish(const Dispatch& dispatch, DispatchOutcome outcome, const std::vector<std::string>& labels,
                      const std::string& why) {
    Target& target = targets_[dispatch.receiver];
    if (why.empty() && target.failing) parts_.say("notify " + target.config.name + ": works again");
    if (!why.empty() && !target.failing) parts_.say("notify " + target.config.name + ": not told yet: " + why);
    target.failing = !why.empty();
    std::vector<DeliveryRow> rows = desk_.done(dispatch, outcome, labels, parts_.clock());
    if (!rows.empty()) parts_.journal(std::move(rows));
}

// Only a healthy agent beats: whoever counts the beats learns of a dead one, and of one that lives and does nothing.
void Notifier::beat(const Target& target) {
    const NotifyConfig& heart = target.config;
    if (!parts_.not_well().empty()) return;
    const WallTime now = parts_.clock().wall;
    if (heart.kind == "command") {
        run_command(parts_.reactor,
                    {.argv = heart.command,
                     .timeout = deliver_within,
                     .output_bytes_max = answer_bytes_max,
                     .input = heartbeat_json(now) + "\n"},
                    [](const Result<CommandReply>&) {});
        return;
    }
    auto request = request_to(heart, target.access);
    if (!request) return parts_.say("heartbeat " + heart.name + ": " + request.error().message);
    request->headers.emplace_back("Content-Type", "application/json");
    request->body =
        keeps_alerts(heart) ? heartbeat_alert(started_, now + heart.every * heartbeats_missed) : heartbeat_json(now);
    parts_.fetcher.fetch(*std::move(request), [](const Result<FetchReply>&) {});
}

}  // namespace medic
