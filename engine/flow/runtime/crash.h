// Faults of the processor inside user code, told like exceptions: a task thread that dereferences null gets a
// NullDereference thrown from the faulting instruction, unwinds, and fails; its process lives on, as a JVM does.
// Any other invalid access throws too, but then the process must end: its memory can no longer be trusted.
// Also: a thread's stack on demand, and interrupting a blocked system call.
#pragma once

#include <pthread.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace medic::engine::flow {

// A fault of the processor, with the frames at which it happened (addresses inside the functions, innermost first).
class ProcessorFault : public std::runtime_error {
public:
    ProcessorFault(const std::string& text, std::vector<const void*> frames)
        : std::runtime_error(text), frames_(std::move(frames)) {}
    [[nodiscard]] const std::vector<const void*>& frames() const { return frames_; }

private:
    std::vector<const void*> frames_;
};
struct NullDereference final : ProcessorFault {
    using ProcessorFault::ProcessorFault;
};  // Address below 64 KiB.
struct ArithmeticError final : ProcessorFault {
    using ProcessorFault::ProcessorFault;
};  // Integer division by zero.
struct SegmentationError final : ProcessorFault {
    using ProcessorFault::ProcessorFault;
};  // The process must end.

// Once per process, before any task thread. `last_words` is called on a thread whose fault could not be unwound (or
// that terminated otherwise inside a task), with a report; the process then exits with code 239 (Flink's
// FATAL_EXIT_CODE).
void install_fault_handlers(std::function<void(const std::string& report)> last_words);
inline constexpr int fatal_exit_code = 239;

// Makes the calling thread's faults exceptions for as long as it lives.
class FaultScope {
public:
    FaultScope();
    FaultScope(const FaultScope&) = delete;
    FaultScope& operator=(const FaultScope&) = delete;
    ~FaultScope();

private:
    std::vector<char> alternate_stack_;
};

// "Type: text" and frames of the exception being handled; call inside a catch block.
struct ExceptionReport {
    std::string type, message;
    std::vector<std::string> frames;
    bool process_must_end = false;
};
[[nodiscard]] ExceptionReport describe_failure();

// Frames of another thread that is inside a FaultScope, innermost first. Empty: it did not answer within 200 ms.
[[nodiscard]] std::vector<std::string> stack_of(pthread_t thread);

// Wakes a thread from a blocking system call (EINTR), as Thread.interrupt() would.
void interrupt(pthread_t thread);

}  // namespace medic::engine::flow
