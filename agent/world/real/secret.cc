#include "agent/world/real/secret.h"

#include <openssl/crypto.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "agent/world/real/command.h"

namespace medic {
namespace {

using Clock = std::chrono::steady_clock;

// Kubernetes tokens and JSON web tokens stay under 16 KiB; a longer "secret" is the wrong file.
constexpr std::size_t secret_bytes_max = 64 * 1024;
constexpr Duration command_timeout{5'000};
constexpr Duration kept_for{60'000};
constexpr Duration read_again_after{5'000};  // A refused secret is read again at most this often.

// What surrounds a secret in a file or on a command's output: only its first line counts.
Result<Secret> first_line(std::string text, const SecretSource& source) {
    const auto end = text.find_first_of("\r\n");
    if (end != std::string::npos) {
        OPENSSL_cleanse(text.data() + end, text.size() - end);
        text.resize(end);
    }
    if (text.empty()) return fail(ErrorCode::invalid, "{}: the first line is empty", place_of(source));
    if (text.find('\0') != std::string::npos)
        return fail(ErrorCode::invalid, "{}: expected text, found a zero byte", place_of(source));
    return Secret(std::move(text));
}

Result<Secret> from_file(const SecretSource& source) {
    std::ifstream in(source.file, std::ios::binary);
    if (!in) return fail(ErrorCode::invalid, "{}: {}", place_of(source), std::generic_category().message(errno));
    std::string text(secret_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || in.gcount() == 0)
        return fail(ErrorCode::invalid, "{}: nothing can be read there", place_of(source));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > secret_bytes_max)
        return fail(ErrorCode::invalid, "{}: longer than {} bytes", place_of(source), secret_bytes_max);
    return first_line(std::move(text), source);
}

Result<Secret> from_environment(const SecretSource& source) {
    const char* value = std::getenv(source.environment.c_str());
    if (value == nullptr) return fail(ErrorCode::invalid, "{}: it is not set", place_of(source));
    return first_line(value, source);
}

Result<Secret> from_reply(Result<CommandReply> reply, const SecretSource& source) {
    if (!reply) return fail(ErrorCode::unavailable, "{}: {}", place_of(source), reply.error().message);
    // Neither output is quoted: it may hold the secret, or a part of it.
    if (reply->exit_code != 0)
        return fail(ErrorCode::unavailable, "{}: it ended with exit code {}", place_of(source), reply->exit_code);
    return first_line(std::move(reply->output), source);
}

}  // namespace

Secret& Secret::operator=(const Secret& other) {
    if (this != &other) {
        wipe();
        text_ = other.text_;
    }
    return *this;
}

Secret::Secret(Secret&& other) noexcept : text_(other.text_) { other.wipe(); }

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe();
        text_ = other.text_;
        other.wipe();
    }
    return *this;
}

void Secret::wipe() {
    OPENSSL_cleanse(text_.data(), text_.size());
    text_.clear();
}

std::string place_of(const SecretSource& source) {
    if (!source.file.empty()) return "secret from file " + source.file;
    if (!source.environment.empty()) return "secret from environment variable " + source.environment;
    if (!source.command.empty()) return "secret from command " + source.command[0];
    return "secret";
}

void read_secret(Reactor& reactor, const SecretSource& source, Duration timeout,
                 std::function<void(Result<Secret>)> done) {
    if (!source.file.empty()) return done(from_file(source));
    if (!source.environment.empty()) return done(from_environment(source));
    if (source.command.empty()) return done(fail(ErrorCode::invalid, "no secret is given"));
    run_command(
        reactor, {.argv = source.command, .timeout = timeout, .output_bytes_max = secret_bytes_max},
        [source, done = std::move(done)](Result<CommandReply> reply) { done(from_reply(std::move(reply), source)); });
}

Result<Secret> read_secret(const SecretSource& source, Duration timeout) {
    Result<Secret> result = fail(ErrorCode::internal, "{}: not read", place_of(source));
    Reactor reactor;
    reactor.post([&] {
        read_secret(reactor, source, timeout, [&](Result<Secret> secret) {
            result = std::move(secret);
            reactor.stop();
        });
    });
    reactor.run();
    return result;
}

bool SecretCache::holds(const Entry& entry) {
    if (!entry.secret) return false;
    const auto age = Clock::now() - entry.read_at;
    return age < read_again_after || (age < kept_for && *entry.secret && !entry.refused);
}

void SecretCache::get(const SecretSource& source, std::function<void(Result<Secret>)> done) {
    Entry& entry = entries_[source];
    if (entry.waiting.empty() && holds(entry)) return done(*entry.secret);
    entry.waiting.push_back(std::move(done));
    if (entry.waiting.size() > 1) return;
    read_secret(reactor_, source, command_timeout, [this, source](const Result<Secret>& secret) {
        Entry& read = entries_[source];
        read.secret = secret;
        read.read_at = Clock::now();
        read.refused = false;
        for (const auto& waits : std::exchange(read.waiting, {})) waits(secret);
    });
}

void SecretCache::refused(const SecretSource& source) {
    if (const auto found = entries_.find(source); found != entries_.end()) found->second.refused = true;
}

}  // namespace medic
