type Method = (...args: never[]) => unknown;

/**
 * An object that behaves like another one, but for some of its functions: `replace` gives what stands for a value, or undefined
 * to leave it as it is. Functions get the object itself as `this`, so that private fields work, and what they call on it are the
 * originals. The object itself does not change.
 */
export function viewOf<T extends object>(object: T, replace: (key: string | symbol, value: unknown) => unknown): T {
  const replaced = new Map<string | symbol, { readonly value: unknown; readonly by: unknown }>();

  function shown(key: string | symbol, value: unknown): unknown {
    if ((typeof value !== 'function' && typeof value !== 'object') || value === null) {
      return value;
    }
    const known = replaced.get(key);
    if (known?.value === value) {
      return known.by;
    }
    const other = replace(key, value) ?? value;
    const by = typeof other === 'function' && key !== 'constructor' ? onObject(other as Method) : other;
    replaced.set(key, { value, by });
    return by;
  }

  function onObject(method: Method): Method {
    return new Proxy(method, {
      apply: (target, self, args) => Reflect.apply(target, self === view ? object : self, args),
    });
  }

  // In front of an empty object: that of a frozen one could not be shown as another.
  const view: T = new Proxy(Object.create(Object.getPrototypeOf(object)), {
    get: (_, key) => shown(key, Reflect.get(object, key, object)),
    set: (_, key, value) => Reflect.set(object, key, value, object),
    has: (_, key) => Reflect.has(object, key),
    deleteProperty: (_, key) => Reflect.deleteProperty(object, key),
    ownKeys: () => Reflect.ownKeys(object),
    getOwnPropertyDescriptor(_, key) {
      const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
      if (descriptor === undefined) {
        return undefined;
      }
      const { value } = descriptor;
      return { ...descriptor, ...('value' in descriptor && { value: shown(key, value) }), configurable: true };
    },
  });
  return view;
}
