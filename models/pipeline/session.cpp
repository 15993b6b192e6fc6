// SPDX-License-Identifier: Apache-2.0
// Opens a model on a device.
#include "models/pipeline/session.h"

#include <chrono>

namespace burin {
namespace {

// Seconds since the last lap.
class Stopwatch {
public:
  double lap() {
    auto now = Clock::now();
    double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

Result<ModuleBytes> findModule(const Checkpoint& checkpoint,
                               const Device& device,
                               std::span<const FunctionRequest> functions,
                               const SessionOptions& options) {
  if (!options.moduleFile.empty()) {
    BURIN_ASSIGN(MappedFile file, MappedFile::open(options.moduleFile));
    return ModuleBytes(std::move(file));
  }
  BURIN_ASSIGN(std::string processor, targetOf(device));
  CompileTarget target = {std::move(processor), options.precision,
                          options.layout};
  BURIN_ASSIGN(std::string request,
               compileRequest(checkpoint, functions, target));
  return cachedModule(request, options.compile);
}

} // namespace

Result<std::unique_ptr<Session>>
Session::open(Checkpoint checkpoint, std::span<const FunctionRequest> functions,
              const SessionOptions& options, std::shared_ptr<Device> device) {
  Stopwatch watch;
  if (!device) {
    BURIN_ASSIGN(device, openDevice(options.device, options.threads));
  }
  std::unique_ptr<Session> session(new Session(std::move(checkpoint)));
  BURIN_ASSIGN(session->weights_, adapters::AdaptedWeights::open(
                                      session->checkpoint_, options.adapters));
  adapters::AdaptedWeights& weights = *session->weights_;
  BURIN_ASSIGN(session->module_,
               findModule(session->checkpoint_, *device, functions, options));
  session->device_ = std::move(device);
  session->times_.module = watch.lap();

  auto program = Program::load(session->module(), *session->device_);
  if (!program.ok() && !options.moduleFile.empty())
    return program.status().within("'" + options.moduleFile + "'");
  BURIN_ASSIGN(session->program_, std::move(program));
  BURIN_TRY(session->program_->bind(
      [&](std::string_view name) { return weights.tensor(name); }));
  session->times_.load = watch.lap();

  PrepareOptions prepare;
  prepare.release = [&](const TensorView& tensor) { weights.release(tensor); };
  BURIN_TRY(session->program_->prepare(prepare));
  BURIN_TRY(session->device_->synchronize());
  session->times_.prepare = watch.lap();
  return session;
}

} // namespace burin
