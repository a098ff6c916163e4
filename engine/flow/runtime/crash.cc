#include "engine/flow/runtime/crash.h"

#include <cxxabi.h>
#include <execinfo.h>
#include <semaphore.h>
#include <ucontext.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <mutex>
#include <typeinfo>

#include <fmt/format.h>

#include "engine/common/symbols.h"
#include "engine/common/throw_trace.h"

namespace medic::engine::flow {
namespace {

constexpr int frames_max = 64;
constexpr std::uintptr_t null_page_bytes = 65536;  // Members of a null object lie within; vm.mmap_min_addr is 64 KiB.
constexpr std::size_t alternate_stack_bytes = 64 << 10;
constexpr int stack_signal = SIGUSR2;
constexpr int interrupt_signal = SIGUSR1;

thread_local bool in_task = false;
std::function<void(const std::string&)> last_words_of_process;

// One dump at a time; the asked thread fills it in its signal handler.
struct StackRequest {
    std::mutex mutex;
    void* frames[frames_max];
    int count = 0;
    sem_t done;
};
StackRequest stack_request;

// Frames from the faulting instruction outwards: those of the handler are left out.
std::vector<const void*> frames_of(const void* instruction) {
    void* raw[frames_max];
    const int count = backtrace(raw, frames_max);
    std::vector<const void*> frames{instruction};
    int at = 0;
    while (at < count && raw[at] != instruction) ++at;
    for (int i = at + 1; i < count; ++i) frames.push_back(static_cast<const char*>(raw[i]) - 1);
    return frames;
}

void on_fault(int signal, siginfo_t* info, void* context) {
    if (!in_task || info->si_code <= 0) {  // Not ours to explain, or sent by somebody: as without a handler.
        std::signal(signal, SIG_DFL);
        ::raise(signal);
        return;
    }
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    const auto* machine = static_cast<const ucontext_t*>(context);
    auto frames = frames_of(reinterpret_cast<const void*>(machine->uc_mcontext.gregs[REG_RIP]));
    if (signal == SIGFPE) throw ArithmeticError("division by zero", std::move(frames));
    const std::string at = fmt::format("address {:#x}", address);
    if (address < null_page_bytes) throw NullDereference("null dereference (SIGSEGV at " + at + ")", std::move(frames));
    throw SegmentationError(
        "invalid memory access (" + std::string(signal == SIGBUS ? "SIGBUS" : "SIGSEGV") + " at " + at + ")",
        std::move(frames));
}

void on_stack_request(int) {
    const int saved = errno;
    stack_request.count = backtrace(stack_request.frames, frames_max);
    sem_post(&stack_request.done);
    errno = saved;
}

void on_interrupt(int) {}

[[noreturn]] void on_terminate() {
    std::string report = "std::terminate was called";
    if (std::current_exception()) {
        const ExceptionReport failure = describe_failure();
        report = failure.type + ": " + failure.message;
        for (const std::string& frame : failure.frames) report += "\n\tat " + frame;
    }
    if (last_words_of_process) last_words_of_process(report);
    ::_exit(fatal_exit_code);
}

std::vector<std::string> name_frames(const std::vector<const void*>& addresses) {
    std::vector<std::string> frames;
    for (const void* address : addresses)
        if (std::string frame = name_frame(address); !frame.empty()) frames.push_back(std::move(frame));
    return frames;
}

template <class Fault>
ExceptionReport report_of(const Fault& fault) {
    return {demangle(typeid(fault).name()), fault.what(), name_frames(fault.frames()),
            std::is_same_v<Fault, SegmentationError>};
}

}  // namespace

void install_fault_handlers(std::function<void(const std::string&)> last_words) {
    last_words_of_process = std::move(last_words);
    void* warm_up[1];
    backtrace(warm_up, 1);  // Loads the unwinder now: not possible inside a signal handler.
    sem_init(&stack_request.done, 0, 0);
    struct sigaction action{};
    sigemptyset(&action.sa_mask);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE}) sigaction(signal, &action, nullptr);
    action.sa_handler = on_stack_request;
    action.sa_flags = SA_RESTART;
    sigaction(stack_signal, &action, nullptr);
    action.sa_handler = on_interrupt;
    action.sa_flags = 0;  // Not restarted: that is the purpose.
    sigaction(interrupt_signal, &action, nullptr);
    std::set_terminate(on_terminate);
}

FaultScope::FaultScope() : alternate_stack_(alternate_stack_bytes) {
    stack_t stack{};
    stack.ss_sp = alternate_stack_.data();
    stack.ss_size = alternate_stack_.size();
    sigaltstack(&stack, nullptr);
    in_task = true;
}

FaultScope::~FaultScope() {
    in_task = false;
    stack_t stack{};
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, nullptr);
}

ExceptionReport describe_failure() {
    ExceptionReport report;
    try {
        std::rethrow_exception(std::current_exception());
    } catch (const NullDereference& fault) {
        return report_of(fault);
    } catch (const ArithmeticError& fault) {
        return report_of(fault);
    } catch (const SegmentationError& fault) {
        return report_of(fault);
    } catch (const NamedException& error) {
        report.type = error.class_name();
        report.message = error.what();
    } catch (const std::exception& error) {
        report.type = demangle(typeid(error).name());
        report.message = error.what();
    } catch (...) {
        const std::type_info* type = abi::__cxa_current_exception_type();
        report.type = type ? demangle(type->name()) : "unknown exception";
    }
    report.frames = latest_throw_frames();
    return report;
}

std::vector<std::string> stack_of(pthread_t thread) {
    const std::lock_guard lock(stack_request.mutex);
    while (sem_trywait(&stack_request.done) == 0) {
    }
    stack_request.count = 0;
    if (pthread_kill(thread, stack_signal) != 0) return {};
    timespec until{};
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 200'000'000;
    until.tv_sec += until.tv_nsec / 1'000'000'000;
    until.tv_nsec %= 1'000'000'000;
    while (sem_timedwait(&stack_request.done, &until) != 0)
        if (errno != EINTR) return {};
    std::vector<const void*> frames;
    for (int i = 2; i < stack_request.count; ++i)
        frames.push_back(static_cast<const char*>(stack_request.frames[i]) - 1);
    return name_frames(frames);
}

void interrupt(pthread_t thread) { pthread_kill(thread, interrupt_signal); }

}  // namespace medic::engine::flow
