// Where an exception was thrown: the engine's processes keep the back trace of each thread's latest throw, so that a
// failure can be told like a JVM tells it ("class: message", then "\tat function(object+0xoffset)" lines). Not for
// control flow.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace medic::engine {

// An exception that carries the name under which the real product reports the same failure,
// e.g. "org.apache.kafka.connect.errors.DataException".
class NamedException : public std::runtime_error {
public:
    NamedException(std::string class_name, const std::string& message)
        : std::runtime_error(message), name_(std::move(class_name)) {}
    [[nodiscard]] const std::string& class_name() const { return name_; }

private:
    std::string name_;
};

// Frames of this thread's latest throw, innermost first, at most 32: "ns::f(int)(medic-engine+0x1f2)". Empty before any
// throw and in sanitizer builds (the sanitizer owns the throw hook there).
[[nodiscard]] std::vector<std::string> latest_throw_frames();

// Inside a catch block: "class: message\n\tat frame\n…" of the exception being handled.
[[nodiscard]] std::string describe_current_exception();

}  // namespace medic::engine
