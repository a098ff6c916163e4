#include "agent/lease/etcd_leases.h"

#include <map>

#include <nlohmann/json.hpp>

#include "agent/base/base64.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/world/real/http_client.h"
#include "agent/world/real/secret.h"
#include "agent/world/real/url.h"

namespace medic {
namespace {

using nlohmann::json;

constexpr std::uint64_t answer_bytes_max = 1 << 20;
constexpr int rounds_max = 3;  // Others may take the key between a look and a write; then it is looked at again.

// etcd writes 64-bit numbers as texts, and leaves zeros out.
std::int64_t number(const json& object, const char* name) {
    const json* found = json_member(object, name);
    if (found == nullptr) return 0;
    if (found->is_string()) return std::strtoll(found->get_ref<const std::string&>().c_str(), nullptr, 10);
    return found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

bool is_true(const json& object, const char* name) {
    const json* found = json_member(object, name);
    return found != nullptr && found->is_boolean() && found->get<bool>();
}

struct Entry {
    bool there = false;
    std::string holder;
    std::int64_t lease = 0, mod_revision = 0;
};

class EtcdLeases final : public LeaseStore {
public:
    explicit EtcdLeases(EtcdLeasesOptions options) : options_(std::move(options)) {}

    Result<LeaseGrant> claim(const std::string& cluster) override {
        for (int round = 0; round < rounds_max; ++round) {
            MEDIC_TRY(const Entry entry, look(cluster));
            if (entry.there && entry.holder != options_.holder)
                return LeaseGrant{
                    .ours = false, .holder = entry.holder, .token = static_cast<std::uint64_t>(entry.mod_revision)};
            if (entry.there && entry.lease == leases_[cluster]) {
                MEDIC_TRY(const bool lives, keep_alive(entry.lease));
                if (lives) return ours(entry.mod_revision);
                continue;  // It ran out just now.
            }
            // Free, or left by an earlier process of ours under a lease whose number is not known here.
            MEDIC_TRY(const std::int64_t revision, put(cluster, entry));
            if (revision != 0) return ours(revision);
        }
        return fail(ErrorCode::unavailable, "etcd: the lease of {} changes hands too fast", cluster);
    }

    Status release(const std::string& cluster) override {
        const auto lease = std::exchange(leases_[cluster], 0);
        if (lease == 0) return {};
        MEDIC_CHECK(call("/v3/lease/revoke", {{"ID", std::to_string(lease)}}));
        return {};
    }

private:
    [[nodiscard]] LeaseGrant ours(std::int64_t revision) const {
        return {.ours = true, .holder = options_.holder, .token = static_cast<std::uint64_t>(revision)};
    }
    [[nodiscard]] std::string key(const std::string& cluster) const { return to_base64(options_.prefix + cluster); }

    Result<Entry> look(const std::string& cluster) {
        MEDIC_TRY(const json answer, call("/v3/kv/range", {{"key", key(cluster)}}));
        const json* found = json_member(answer, "kvs");
        if (found == nullptr || !found->is_array() || found->empty()) return Entry{};
        const json& kv = found->front();
        const auto holder = from_base64(json_text(kv, "value"));
        if (!holder || number(kv, "mod_revision") == 0)
            return fail(ErrorCode::invalid, "etcd: what stands under {}{} is no lease", options_.prefix, cluster);
        return Entry{true, *holder, number(kv, "lease"), number(kv, "mod_revision")};
    }

    // Only if the key still is as it was seen. 0: it is not.
    Result<std::int64_t> put(const std::string& cluster, const Entry& seen) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options_.ttl).count();
        MEDIC_TRY(const json granted, call("/v3/lease/grant", {{"TTL", std::to_string(seconds)}}));
        const std::int64_t lease = number(granted, "ID");
        if (lease == 0) return fail(ErrorCode::invalid, "etcd: a lease was granted without its number");
        const json as_seen = {{"key", key(cluster)},
                              {"target", "MOD"},
                              {"result", "EQUAL"},
                              {"mod_revision", std::to_string(seen.mod_revision)}};
        const json put = {
            {"key", key(cluster)}, {"value", to_base64(options_.holder)}, {"lease", std::to_string(lease)}};
        MEDIC_TRY(const json answer, call("/v3/kv/txn", {{"compare", json::array({as_seen})},
                                                         {"success", json::array({{{"requestPut", put}}})}}));
        if (is_true(answer, "succeeded")) {
            leases_[cluster] = lease;
            return number(json_part(answer, "header"), "revision");
        }
        MEDIC_CHECK(call("/v3/lease/revoke", {{"ID", std::to_string(lease)}}));
        return 0;
    }

    // False: the lease has run out.
    Result<bool> keep_alive(std::int64_t lease) {
        MEDIC_TRY(const json answer, call("/v3/lease/keepalive", {{"ID", std::to_string(lease)}}));
        return number(json_part(answer, "result"), "TTL") > 0;
    }

    // A login may have run out: one more try with a new one.
    Result<json> call(const std::string& path, const json& body) {
        auto answer = ask(path, body);
        const bool refused = !answer && answer.error().code == ErrorCode::invalid && !options_.username.empty();
        if (!refused) return answer;
        MEDIC_CHECK(log_in());
        return ask(path, body);
    }

    Status log_in() {
        MEDIC_TRY(const Secret password, read_secret(options_.password, options_.timeout));
        login_.clear();
        MEDIC_TRY(const json answer, ask("/v3/auth/authenticate",
                                         {{"name", options_.username}, {"password", std::string(password.reveal())}}));
        login_ = json_text(answer, "token");
        if (login_.empty()) return fail(ErrorCode::invalid, "etcd: no token came for user {}", options_.username);
        return {};
    }

    // The body may hold a password, the address a login: neither ever stands in a message.
    Result<json> ask(const std::string& path, const json& body) {
        Error last{ErrorCode::unavailable, "etcd: no address is configured"};
        for (std::size_t i = 0; i < options_.urls.size(); ++i) {
            const std::string& url = options_.urls[at_];
            HttpCall call{.method = "POST", .url = url + path};
            call.headers = {{"Content-Type", "application/json"}};
            if (!login_.empty()) call.headers.emplace_back("Authorization", login_);
            call.body = body.dump();
            call.timeout = options_.timeout;
            call.body_bytes_max = answer_bytes_max;
            call.ca_file = options_.ca_file;
            auto reply = client_.perform(call);
            if (reply && reply->status < 500) return read(shown_url(call.url), *reply);
            last = reply ? Error{ErrorCode::unavailable,
                                 "etcd: " + shown_url(url) + " answers status " + std::to_string(reply->status)}
                         : Error{ErrorCode::unavailable, "etcd: " + reply.error().message};
            at_ = (at_ + 1) % options_.urls.size();
        }
        return std::unexpected(last);
    }

    static Result<json> read(const std::string& shown, const HttpReply& reply) {
        json answer = foreign_json(reply.body);
        if (reply.status != 200 || !answer.is_object())
            return fail(ErrorCode::invalid, "etcd: {} answers status {}{}", shown, reply.status,
                        answer.is_object() ? ": " + json_text(answer, "message") : ", and no JSON object");
        return answer;
    }

    EtcdLeasesOptions options_;
    HttpClient client_;
    std::size_t at_ = 0;  // The address that answered last.
    std::string login_;
    std::map<std::string, std::int64_t> leases_;  // By cluster: the number of our etcd lease; 0: none.
};

}  // namespace

std::unique_ptr<LeaseStore> make_etcd_leases(EtcdLeasesOptions options) {
    return std::make_unique<EtcdLeases>(std::move(options));
}

}  // namespace medic
