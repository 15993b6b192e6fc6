// SPDX-License-Identifier: Apache-2.0
// The fake driver: a queue that is empty after every call, graphs as lists of
// closures, kernels by name.
#include "tests/conformance/fake_cuda.h"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/device/cuda/driver.h"

using namespace burin::cuda;

namespace {

constexpr int kOk = 0, kInvalid = 1, kNoMemory = 2, kIllegalAddress = 700,
              kBadPtx = 218, kUnsupportedInCapture = 900, kBadCluster = 912;
constexpr size_t kTotal = size_t{256} << 20;

struct View {
  std::byte* data;
  int64_t pitch;
};
// One kernel: the sizes of its parameters, and what it does to its threads.
struct Kernel {
  std::vector<size_t> parameters;
  std::function<int(void** parameters, int64_t threads)> run;
};
struct FunctionObject {
  const Kernel* kernel;
  int shared = 48 << 10;
  bool nonPortable = false;
};
struct ModuleObject {
  std::string text;
  std::map<std::string, std::unique_ptr<FunctionObject>> functions;
};
using Work = std::function<int()>;
using Nodes = std::vector<Work>;

struct State {
  std::map<std::string, uint64_t> calls;
  std::multimap<std::string, std::pair<int, int>> wishes; // code, skip
  int lost = 0;
  std::map<uint64_t, size_t> memory;
  size_t used = 0;
  size_t objects = 0;
  uint64_t overlaps = 0;
  bool capturing = false;
  bool broken = false; // the capture
  Nodes nodes;
};
State& state() {
  static State instance;
  return instance;
}

int enter(const char* symbol) {
  State& s = state();
  ++s.calls[symbol];
  auto [first, last] = s.wishes.equal_range(symbol);
  for (auto wish = first; wish != last; ++wish) {
    if (wish->second.second-- > 0)
      continue;
    int code = wish->second.first;
    s.wishes.erase(wish);
    if (burin::cuda::isFatal(code))
      s.lost = code;
    return code;
  }
  return s.lost;
}
#define ENTER()                                                                \
  if (int code = enter(__func__))                                              \
  return code

bool isDevice(uint64_t address, size_t bytes) {
  auto next = state().memory.upper_bound(address);
  if (next == state().memory.begin())
    return false;
  auto [base, size] = *std::prev(next);
  return address - base <= size && bytes <= size - (address - base);
}

int submit(Work work) {
  State& s = state();
  if (s.capturing) {
    s.nodes.push_back(std::move(work));
    return kOk;
  }
  int code = work();
  if (burin::cuda::isFatal(code))
    s.lost = code;
  return kOk; // what a queue does shows later
}

int mayWait() {
  if (!state().capturing)
    return kOk;
  state().broken = true;
  return kUnsupportedInCapture;
}

template <typename Element>
int fill(uint64_t to, size_t pitch, Element value, size_t width, size_t rows) {
  if (to % sizeof(Element) || pitch % sizeof(Element) ||
      (rows > 1 && pitch < width * sizeof(Element)))
    return kInvalid;
  return submit([=] {
    for (size_t row = 0; row < rows; ++row) {
      uint64_t first = to + row * pitch;
      if (!isDevice(first, width * sizeof(Element)))
        return kIllegalAddress;
      auto* data = reinterpret_cast<Element*>(first);
      std::fill(data, data + width, value);
    }
    return kOk;
  });
}

int runAddOne(void** parameters, int64_t threads) {
  const View* views = static_cast<const View*>(parameters[0]);
  int64_t rows = *static_cast<const int64_t*>(parameters[1]);
  if (rows > threads)
    return kInvalid;
  for (int64_t row = 0; row < rows; ++row)
    for (int i = 0; i < 8; ++i) {
      auto* in = reinterpret_cast<const float*>(views[0].data) +
                 row * views[0].pitch + i;
      auto* out =
          reinterpret_cast<float*>(views[1].data) + row * views[1].pitch + i;
      if (!isDevice(reinterpret_cast<uint64_t>(in), 4) ||
          !isDevice(reinterpret_cast<uint64_t>(out), 4))
        return kIllegalAddress;
      *out = *in + 1;
    }
  return kOk;
}

int runCount(void** parameters, int64_t threads) {
  auto* count =
      reinterpret_cast<int*>(static_cast<const View*>(parameters[0])->data);
  int64_t items = *static_cast<const int64_t*>(parameters[1]);
  if (items > threads)
    return kInvalid;
  for (int64_t i = 0; i < items; ++i)
    count[i] += 1;
  return kOk;
}

int runEcho(void** parameters, int64_t) {
  std::byte* out = static_cast<const View*>(parameters[0])->data;
  std::memcpy(out, parameters[3], 8);
  std::memcpy(out + 8, parameters[1], sizeof(EncodedMap));
  std::memcpy(out + 8 + sizeof(EncodedMap), parameters[2], sizeof(EncodedMap));
  return kOk;
}

int runCrash(void**, int64_t) {
  return kIllegalAddress;
}

const Kernel* kernelNamed(const std::string& name) {
  static const std::map<std::string, Kernel> kernels = {
      {"addOne", {{32, 8}, runAddOne}},
      {"countItems", {{16, 8}, runCount}},
      {"echo", {{16, 128, 128, 8}, runEcho}},
      {"crash", {{16}, runCrash}}};
  auto found = kernels.find(name);
  return found == kernels.end() ? nullptr : &found->second;
}

template <typename Object>
int make(Object** target) {
  ++state().objects;
  *target = reinterpret_cast<Object*>(new char);
  return kOk;
}
template <typename Object>
int destroy(Object* object) {
  --state().objects;
  delete reinterpret_cast<char*>(object);
  return kOk;
}

} // namespace

extern "C" {

void fakeCudaFail(const char* symbol, int code, int skip) {
  if (symbol) {
    state().wishes.insert({symbol, {code, skip}});
    return;
  }
  state().wishes.clear();
  state().lost = 0;
}
uint64_t fakeCudaCalls(const char* symbol) {
  return state().calls[symbol];
}
uint64_t fakeCudaOverlaps() {
  return state().overlaps;
}
size_t fakeCudaObjects() {
  return state().objects + state().memory.size();
}

int cuInit(unsigned) {
  ENTER();
  return kOk;
}
int cuGetErrorName(int code, const char** name) {
  static const std::map<int, const char*> names = {
      {1, "CUDA_ERROR_INVALID_VALUE"},
      {2, "CUDA_ERROR_OUT_OF_MEMORY"},
      {214, "CUDA_ERROR_ECC_UNCORRECTABLE"},
      {218, "CUDA_ERROR_INVALID_PTX"},
      {700, "CUDA_ERROR_ILLEGAL_ADDRESS"}};
  auto found = names.find(code);
  *name = found == names.end() ? nullptr : found->second;
  return *name ? kOk : kInvalid;
}
int cuGetErrorString(int code, const char** text) {
  return cuGetErrorName(code, text);
}
int cuDeviceGetCount(int* count) {
  ENTER();
  *count = 1;
  return kOk;
}
int cuDeviceGet(int* device, int ordinal) {
  ENTER();
  *device = ordinal;
  return kOk;
}
int cuDeviceGetName(char* name, int size, int) {
  ENTER();
  std::strncpy(name, "Fake card", static_cast<size_t>(size));
  return kOk;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  ENTER();
  *value = attribute == 75 ? 9 : attribute == 76 ? 0 : 132;
  return kOk;
}
int cuDevicePrimaryCtxRetain(Context* context, int) {
  ENTER();
  return make(context);
}
int cuDevicePrimaryCtxRelease_v2(int) {
  --state().objects; // the context is leaked, as a handle that stays valid
  return kOk;
}
int cuCtxSetCurrent(Context) {
  ENTER();
  return kOk;
}
int cuStreamCreate(Stream* stream, unsigned) {
  ENTER();
  return make(stream);
}
int cuStreamDestroy_v2(Stream stream) {
  return destroy(stream);
}
int cuStreamSynchronize(Stream) {
  ENTER();
  return mayWait();
}
int cuStreamBeginCapture_v2(Stream, int) {
  ENTER();
  state().capturing = true;
  state().broken = false;
  state().nodes.clear();
  return kOk;
}
int cuStreamEndCapture(Stream, Graph* graph) {
  state().capturing = false;
  ENTER();
  if (state().broken) {
    *graph = nullptr;
    return 901;
  }
  ++state().objects;
  *graph = reinterpret_cast<Graph>(new Nodes(std::move(state().nodes)));
  return kOk;
}
int cuEventCreate(Event* event, unsigned) {
  ENTER();
  return make(event);
}
int cuEventDestroy_v2(Event event) {
  return destroy(event);
}
int cuEventRecord(Event, Stream) {
  ENTER();
  return kOk;
}
int cuEventSynchronize(Event) {
  ENTER();
  return mayWait();
}
int cuEventElapsedTime(float* milliseconds, Event, Event) {
  ENTER();
  *milliseconds = 2;
  return kOk;
}
int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  ENTER();
  if (bytes > kTotal - state().used)
    return kNoMemory;
  void* data = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(data, 0xcd, bytes);
  *address = reinterpret_cast<uint64_t>(data);
  state().memory[*address] = bytes;
  state().used += bytes;
  return kOk;
}
int cuMemFree_v2(uint64_t address) {
  auto found = state().memory.find(address);
  if (found == state().memory.end())
    return kInvalid;
  state().used -= found->second;
  state().memory.erase(found);
  std::free(reinterpret_cast<void*>(address));
  return kOk;
}
int cuMemGetInfo_v2(size_t* free, size_t* total) {
  ENTER();
  *total = kTotal;
  *free = kTotal - state().used;
  return kOk;
}
int cuMemAllocHost_v2(void** data, size_t bytes) {
  ENTER();
  ++state().objects;
  *data = std::malloc(bytes);
  return kOk;
}
int cuMemFreeHost(void* data) {
  --state().objects;
  std::free(data);
  return kOk;
}
int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, Stream) {
  ENTER();
  if (!isDevice(to, bytes))
    return kInvalid;
  std::memcpy(reinterpret_cast<void*>(to), from, bytes);
  return kOk;
}
int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, Stream) {
  ENTER();
  if (!isDevice(from, bytes))
    return kInvalid;
  std::memcpy(to, reinterpret_cast<const void*>(from), bytes);
  return kOk;
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, Stream) {
  ENTER();
  return submit([=] {
    if (!isDevice(to, bytes) || !isDevice(from, bytes))
      return kIllegalAddress;
    std::memcpy(reinterpret_cast<void*>(to),
                reinterpret_cast<const void*>(from), bytes);
    return kOk;
  });
}
int cuMemcpy2DAsync_v2(const Copy2D* copy, Stream) {
  ENTER();
  if (copy->source.pitch < copy->widthInBytes ||
      copy->target.pitch < copy->widthInBytes)
    return kInvalid;
  return submit([copy = *copy] {
    for (size_t row = 0; row < copy.height; ++row) {
      uint64_t from = copy.source.device + row * copy.source.pitch;
      uint64_t to = copy.target.device + row * copy.target.pitch;
      if (!isDevice(to, copy.widthInBytes) ||
          !isDevice(from, copy.widthInBytes))
        return kIllegalAddress;
      std::memcpy(reinterpret_cast<void*>(to),
                  reinterpret_cast<const void*>(from), copy.widthInBytes);
    }
    return kOk;
  });
}
int cuMemsetD2D8Async(uint64_t to, size_t pitch, unsigned char value,
                      size_t width, size_t rows, Stream) {
  ENTER();
  return fill(to, pitch, value, width, rows);
}
int cuMemsetD2D16Async(uint64_t to, size_t pitch, unsigned short value,
                       size_t width, size_t rows, Stream) {
  ENTER();
  return fill(to, pitch, value, width, rows);
}
int cuMemsetD2D32Async(uint64_t to, size_t pitch, unsigned value, size_t width,
                       size_t rows, Stream) {
  ENTER();
  return fill(to, pitch, value, width, rows);
}
int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, Stream) {
  ENTER();
  return fill(to, bytes, value, bytes, 1);
}

int cuModuleLoadDataEx(Module* module, const void* data, unsigned count,
                       int* options, void** values) {
  ENTER();
  std::string text = static_cast<const char*>(data);
  if (text.find(".version") == std::string::npos) {
    for (unsigned i = 0; i < count; ++i)
      if (options[i] == 5)
        std::strcpy(static_cast<char*>(values[i]), "ptxas: no .version");
    return kBadPtx;
  }
  ++state().objects;
  *module = reinterpret_cast<Module>(new ModuleObject{text, {}});
  return kOk;
}
int cuModuleUnload(Module module) {
  --state().objects;
  delete reinterpret_cast<ModuleObject*>(module);
  return kOk;
}
int cuModuleGetFunction(Function* function, Module handle, const char* name) {
  ENTER();
  auto* module = reinterpret_cast<ModuleObject*>(handle);
  const Kernel* kernel = kernelNamed(name);
  bool present = module->text.find(".entry " + std::string(name) + "(") !=
                 std::string::npos;
  if (!kernel || !present)
    return 500;
  auto& object = module->functions[name];
  if (!object)
    object.reset(new FunctionObject{kernel});
  *function = reinterpret_cast<Function>(object.get());
  return kOk;
}
int cuFuncGetAttribute(int* value, int attribute, Function function) {
  ENTER();
  auto* object = reinterpret_cast<FunctionObject*>(function);
  *value = attribute == 8 ? object->shared : object->nonPortable;
  return kOk;
}
int cuFuncSetAttribute(Function function, int attribute, int value) {
  ENTER();
  auto* object = reinterpret_cast<FunctionObject*>(function);
  if (attribute == 8) {
    if (value > 232448)
      return kInvalid;
    object->shared = value;
  } else {
    object->nonPortable = value != 0;
  }
  return kOk;
}
int cuLaunchKernelEx(const LaunchConfig* config, Function function,
                     void** parameters, void**) {
  ENTER();
  auto* object = reinterpret_cast<FunctionObject*>(function);
  uint32_t cluster = 1;
  for (unsigned i = 0; i < config->attributeCount; ++i) {
    const LaunchAttribute& attribute = config->attributes[i];
    if (attribute.id == LaunchAttribute::kClusterDimension)
      cluster = attribute.value[0];
    else
      state().overlaps += attribute.value[0];
  }
  if (config->sharedBytes > static_cast<unsigned>(object->shared) ||
      config->grid[0] % cluster != 0)
    return kInvalid;
  if (cluster > 8 && !object->nonPortable)
    return kBadCluster;
  // The driver reads parameters during the call.
  std::vector<std::vector<std::byte>> values;
  for (size_t i = 0; i < object->kernel->parameters.size(); ++i) {
    auto* data = static_cast<const std::byte*>(parameters[i]);
    values.emplace_back(data, data + object->kernel->parameters[i]);
  }
  int64_t threads = int64_t{config->grid[0]} * config->block[0];
  return submit([values, threads, kernel = object->kernel] {
    std::vector<void*> pointers;
    for (const auto& value : values)
      pointers.push_back(const_cast<std::byte*>(value.data()));
    return kernel->run(pointers.data(), threads);
  });
}

int cuGraphInstantiateWithFlags(GraphExec* exec, Graph graph,
                                unsigned long long) {
  ENTER();
  ++state().objects;
  *exec =
      reinterpret_cast<GraphExec>(new Nodes(*reinterpret_cast<Nodes*>(graph)));
  return kOk;
}
int cuGraphUpload(GraphExec, Stream) {
  ENTER();
  return kOk;
}
int cuGraphLaunch(GraphExec exec, Stream) {
  ENTER();
  for (const Work& node : *reinterpret_cast<Nodes*>(exec))
    submit(node);
  return kOk;
}
int cuGraphDestroy(Graph graph) {
  --state().objects;
  delete reinterpret_cast<Nodes*>(graph);
  return kOk;
}
int cuGraphExecDestroy(GraphExec exec) {
  --state().objects;
  delete reinterpret_cast<Nodes*>(exec);
  return kOk;
}

int cuTensorMapEncodeTiled(EncodedMap* map, int type, unsigned rank,
                           void* address, const uint64_t* extents,
                           const uint64_t* strides, const uint32_t* box,
                           const uint32_t* steps, int interleave, int swizzle,
                           int promotion, int outside) {
  ENTER();
  auto base = reinterpret_cast<uint64_t>(address);
  if (reinterpret_cast<uint64_t>(map) % 64 || base % 16 || rank < 1 ||
      rank > 5 || !isDevice(base, 1))
    return kInvalid;
  uint64_t hash = 17;
  auto mix = [&](uint64_t value) { hash = hash * 1000003 + value; };
  for (int part : {type, interleave, swizzle, promotion, outside})
    mix(static_cast<uint64_t>(part));
  for (unsigned i = 0; i < rank; ++i) {
    if (extents[i] == 0 || box[i] == 0 || box[i] > 256 || steps[i] == 0 ||
        steps[i] > 8 || (i > 0 && strides[i - 1] % 16))
      return kInvalid;
    mix(extents[i]);
    mix(box[i]);
    mix(steps[i]);
    mix(i > 0 ? strides[i - 1] : 0);
  }
  *map = {{base, hash}};
  return kOk;
}

} // extern "C"
