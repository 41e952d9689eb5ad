type Method = (...args: never[]) => unknown;

/**
 * An object that behaves like another one, except for some of its functions: `replace` returns the replacement of a value, or
 * undefined to keep it. Functions get the object itself as `this`, so private fields work, and they call the originals of each
 * other; one that returns `this` returns the view. The object itself does not change.
 */
export function viewOf<T extends object>(object: T, replace: (key: string | symbol, value: unknown) => unknown): T {
  const replaced = new Map<string | symbol, { readonly value: unknown; readonly by: unknown }>();
  /** By replacement, so that what was read here and is written back is not replaced twice. */
  const originals = new WeakMap<object, unknown>();

  function shown(key: string | symbol, value: unknown): unknown {
    if (Object(value) !== value) {
      return value;
    }
    const known = replaced.get(key);
    if (known?.value === (value as object)) {
      return known.by;
    }
    const other = replace(key, value) ?? value;
    const by = typeof other === 'function' && key !== 'constructor' ? onObject(key, other as Method) : other;
    replaced.set(key, { value, by });
    if (by !== value) {
      originals.set(by as object, value);
    }
    return by;
  }

  function originalOf(value: unknown): unknown {
    return originals.get(value as object) ?? value;
  }

  function onObject(key: string | symbol, method: Method): Method {
    const call = (self: unknown, args: readonly unknown[]): unknown =>
      Reflect.apply(method, self === view ? object : self, args as never[]);
    if (typeof key === 'symbol') {
      // The method that `using` calls must not be a proxy.
      return function (this: unknown, ...args) {
        return call(this, args);
      };
    }
    return new Proxy(method, {
      apply(_, self, args) {
        const result = call(self, args);
        // So that a chain of calls stays on the view.
        return result === object && self === view ? view : result;
      },
    });
  }

  // The target of the proxy, instead of the object: a proxy of a frozen object could not show other values. What the proxy reports
  // as final, and everything once it cannot be extended, must exist in its target, so this is put in, and nothing else.
  const target: T = Object.create(Object.getPrototypeOf(object));

  function describe(key: string | symbol): PropertyDescriptor | undefined {
    const descriptor: PropertyDescriptor | undefined = Reflect.getOwnPropertyDescriptor(object, key);
    if (!descriptor) {
      Reflect.deleteProperty(target, key);
      return undefined;
    }
    if ('value' in descriptor) {
      descriptor.value = shown(key, descriptor.value);
    }
    if (!descriptor.configurable || !Reflect.isExtensible(object)) {
      Reflect.defineProperty(target, key, descriptor);
    }
    return descriptor;
  }

  function define(key: string | symbol, given: PropertyDescriptor): boolean {
    if (isFinal(describe(key))) {
      return Reflect.defineProperty(target, key, given);
    }
    const value = originalOf(given.value);
    if (!Reflect.defineProperty(object, key, 'value' in given ? { ...given, value } : given)) {
      return false;
    }
    if (given.configurable === false || given.writable === false) {
      if ('value' in given && isFinal(Reflect.getOwnPropertyDescriptor(object, key))) {
        // A proxy may show no other value than the one that was defined as final.
        replaced.set(key, { value, by: given.value });
      }
      describe(key);
    }
    return true;
  }

  function isExtensible(): boolean {
    if (Reflect.isExtensible(object)) {
      return true;
    }
    [...Reflect.ownKeys(target), ...Reflect.ownKeys(object)].forEach(describe);
    Reflect.preventExtensions(target);
    return false;
  }

  const view: T = new Proxy(target, {
    get: (_, key) => shown(key, Reflect.get(object, key, object)),
    set: (_, key, value) => Reflect.set(object, key, originalOf(value), object),
    has(_, key) {
      const has = Reflect.has(object, key);
      if (!has) {
        Reflect.deleteProperty(target, key);
      }
      return has;
    },
    deleteProperty: (_, key) => Reflect.deleteProperty(object, key) && Reflect.deleteProperty(target, key),
    ownKeys() {
      Reflect.ownKeys(target).forEach(describe);
      return Reflect.ownKeys(object);
    },
    getOwnPropertyDescriptor: (_, key) => describe(key),
    defineProperty: (_, key, descriptor) => define(key, descriptor),
    isExtensible,
    preventExtensions: () => Reflect.preventExtensions(object) && !isExtensible(),
  });
  return view;
}

function isFinal(descriptor: PropertyDescriptor | undefined): boolean {
  return descriptor?.configurable === false && !descriptor.writable;
}
