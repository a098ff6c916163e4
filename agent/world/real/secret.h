// Reads secrets from where SecretSource says they are. A Secret can't be printed by accident and is wiped when it goes.
// Whoever needs the text calls reveal() and hands it on at once; it is never kept, logged or put into a message.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/access.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/world/real/reactor.h"

namespace medic {

class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}
    Secret(const Secret& other) = default;
    Secret& operator=(const Secret& other);
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    ~Secret() { wipe(); }

    [[nodiscard]] std::string_view reveal() const { return text_; }

private:
    void wipe();
    std::string text_;
};

// "password_file /etc/pw": names the place, for messages.
[[nodiscard]] std::string place_of(const SecretSource& source);

// Blocking: for threads that may wait. invalid: nothing there, empty, or too long; the message names the place, never
// the content. A command is killed at `timeout`.
[[nodiscard]] Result<Secret> read_secret(const SecretSource& source, Duration timeout);

// The same on a reactor's thread; files and variables are read at once. `done` is called there, exactly once.
void read_secret(Reactor& reactor, const SecretSource& source, Duration timeout,
                 std::function<void(Result<Secret>)> done);

// Secrets that are asked for often, on one reactor's thread: kept for a while, read again when they are old or refused.
class SecretCache {
public:
    explicit SecretCache(Reactor& reactor) : reactor_(reactor) {}

    // `done` may be called at once.
    void get(const SecretSource& source, std::function<void(Result<Secret>)> done);
    // The other side did not take it: the next get() reads again. Bounded, as what fails is: a wrong one, or one that
    // can't be had, starts no command storm; and who asks while it is read waits for the same answer.
    void refused(const SecretSource& source);

private:
    struct Entry {
        std::optional<Result<Secret>> secret{};  // As last read.
        std::chrono::steady_clock::time_point read_at{};
        bool refused = false;
        std::vector<std::function<void(Result<Secret>)>> waiting{};  // While it is read.
    };
    [[nodiscard]] static bool holds(const Entry& entry);
    Reactor& reactor_;
    std::map<SecretSource, Entry> entries_;
};

}  // namespace medic
